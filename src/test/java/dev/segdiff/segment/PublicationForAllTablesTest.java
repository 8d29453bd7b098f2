package dev.segdiff.segment;

import static dev.segdiff.segment.SegmentFixture.DAY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.segdiff.run.Outcome;
import dev.segdiff.support.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A publication for all tables refuses changes of tables that do not say what their rows are known by. */
class PublicationForAllTablesTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @Test
    void versionsArePublishedUnderAPublicationForAllTables() {
        db.execute("create publication everything for all tables");
        SegmentFixture segments = new SegmentFixture(db);
        SegmentKey key = segments.segment(1, 1, 2, 3, 4);
        assertThat(segments.run(DAY).outcome()).isEqualTo(Outcome.SUCCEEDED);
        segments.contacts(key, 2, 3, 4, 5);

        assertThat(segments.run(DAY.plusDays(1)).outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(segments.members(key)).containsExactly("2", "3", "4", "5");
        segments.registry.remove(key);
        assertThat(segments.cleanup().outcome()).isIn(Outcome.SUCCEEDED, Outcome.SKIPPED);
    }

    @Test
    void snapshotsOfAnOlderVersionArePublishedToo() {
        SegmentFixture segments = new SegmentFixture(db);
        SegmentKey key = segments.segment(1, 1, 2, 3, 4);
        segments.run(DAY);
        db.execute(
                "alter table %s replica identity default".formatted(key.snapshot(segments.version(key))),
                "create publication everything for all tables");
        segments.contacts(key, 2, 3, 4);

        assertThat(segments.run(DAY.plusDays(1)).outcome()).isEqualTo(Outcome.SUCCEEDED);
    }

    @Test
    void snapshotThatAnotherWorkerHasPublishedMeanwhileIsLeftToIt() {
        SegmentFixture segments = new SegmentFixture(db);
        SegmentDiffQueries queries = new SegmentDiffQueries();
        SegmentKey key = segments.segment(1, 1, 2, 3, 4);
        segments.run(DAY);
        DueSegment stale = db.database()
                .<DueSegment>transaction(session -> queries.find(session, key).orElseThrow());
        segments.contacts(key, 2, 3, 4);
        segments.run(DAY.plusDays(1));

        assertThatCode(() -> db.database().inTransaction(session -> queries.identify(session, stale)))
                .doesNotThrowAnyException();
    }

    /** All our tables that are ever updated or deleted from; diffs and the log's months only gain rows. */
    @Test
    void everyTableThatChangesSaysWhatItsRowsAreKnownBy() {
        assertThat(db.rows("""
                        select c.relname from pg_class c
                        where c.relnamespace = 'segdiff'::regnamespace and c.relkind = 'r' and c.relreplident <> 'f'
                          and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
                          and c.relname !~ '^(segment_diffs|audit_log)_\\d{4}_\\d{2}$'
                        """)).isEmpty();
    }
}
