package dev.segdiff.event;

import dev.segdiff.support.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A database with a table of events, some of them expired. */
abstract class ExpiryFixture {
    static final String[] SMALL_BATCHES = {"segdiff.batch.min-rows", "10", "segdiff.batch.max-rows", "10"};

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    EventFixture events(String... more) {
        return new EventFixture(db, EventFixture.policy(more));
    }

    /** A row a day: row n is n days old, but for an hour, so that nothing lies near a boundary by chance. */
    void table(int days) {
        db.execute(
                "create table event (id bigint primary key, created_at timestamptz not null, note text)",
                "insert into event select g, now() - g * interval '1 day' + interval '1 hour' from generate_series(1, %d) g"
                        .formatted(days),
                "create index on event (created_at)");
    }

    List<String> ids(String where) {
        return db.rows("select id from event where " + where + " order by id");
    }

    String range() {
        return db.value("select min(id) || '..' || max(id) || ' ' || count(*) from event");
    }
}
