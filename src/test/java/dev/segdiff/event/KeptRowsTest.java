package dev.segdiff.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Expired rows that PostgreSQL does not let go: each cause is told by its name and number, and the rest goes. */
class KeptRowsTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private static final String[] SMALL_BATCHES = {"segdiff.batch.min-rows", "10", "segdiff.batch.max-rows", "50"};

    private EventFixture events() {
        return new EventFixture(db, EventFixture.policy(SMALL_BATCHES));
    }

    /** A row an hour; those from 2161 on have expired. */
    private void table() {
        db.execute(
                "create table event (id bigint primary key, created_at timestamptz not null)",
                "insert into event select g, now() - g * interval '1 hour' + interval '30 minutes' from generate_series(1, 3160) g",
                "create index on event (created_at)");
    }

    private String left() {
        return db.value("select count(*) from event where id > 2160");
    }

    @Test
    void oneReferencedRowInAHundredStaysAndTheRestGoes() {
        table();
        db.execute(
                "create table child (event_id bigint references event, note text)",
                "create index on child (event_id)",
                "insert into child select id from event where id % 100 = 0");

        RunReport report = events().run();

        assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(report.problems())
                .containsExactly(
                        "policy audit: 10 expired rows of public.event stay: foreign key child_event_id_fkey of public.child references them");
        assertThat(report.counts()).containsEntry("expired", 990L).doesNotContainKey("locked");
        assertThat(left()).isEqualTo("10");
        db.execute("delete from child");
        assertThat(events().run().outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(left()).isEqualTo("0");
    }

    @Test
    void rowsThatATriggerKeepsAreToldByItsNameAndAreNotLocked() {
        table();
        db.execute(
                "create function keep() returns trigger language plpgsql as 'begin if old.id % 10 = 0 then return null; end if; return old; end'",
                "create trigger legal_hold before delete on event for each row execute function keep()");

        RunReport report = events().run();

        assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(report.problems())
                .containsExactly("policy audit: 100 expired rows of public.event stay: kept by trigger legal_hold");
        assertThat(left()).isEqualTo("100");
    }

    @Test
    void rowsThatARuleKeepsAreToldByItsName() {
        table();
        db.execute("create rule no_delete as on delete to event do instead nothing");

        RunReport report = events().run();

        assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(report.problems()).singleElement().asString().contains("1000 expired rows", "rule no_delete");
        assertThat(left()).isEqualTo("1000");
    }

    @Test
    void lockedRowsAreCountedAsLockedAndNotAsKept() throws SQLException {
        table();
        db.execute(
                "create table child (event_id bigint references event)",
                "create index on child (event_id)",
                "insert into child values (2200), (2300)");
        try (Connection other = db.connect()) {
            other.setAutoCommit(false);
            TestDatabase.rows(other, "select id from event where id in (2500, 2501, 2502) for update");

            RunReport report = events().run();

            assertThat(report.counts()).containsEntry("locked", 3L).containsEntry("kept", 2L);
            assertThat(report.problems()).singleElement().asString().contains("2 expired rows");
            other.rollback();
        }
        assertThat(db.rows("select id from event where id > 2160 order by id"))
                .isEqualTo(List.of("2200", "2300", "2500", "2501", "2502"));
    }

    @Test
    void tableThatReferencesItselfLosesParentsAndChildrenTogether() {
        table();
        db.execute(
                "alter table event add parent bigint references event",
                "create index on event (parent)",
                "update event set parent = id + 1 where id > 2160 and id % 2 = 0 and id < 3160");

        assertThat(events().run().outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(left()).isEqualTo("0");
    }
}
