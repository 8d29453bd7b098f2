package dev.segdiff.segment;

import static dev.segdiff.segment.SegmentFixture.DAY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class SnapshotCleanupTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @SuppressWarnings("NullAway.Init")
    SegmentFixture segments;

    @BeforeEach
    void wire() {
        segments = new SegmentFixture(db);
    }

    private SegmentKey unused(long id, long... contacts) {
        SegmentKey key = segments.segment(id, contacts);
        segments.run(SegmentFixture.DAY);
        lastUsed(key, "33 days");
        return key;
    }

    private void lastUsed(SegmentKey key, String ago) {
        db.execute("update segdiff.segments set last_used_at = now() - interval '%s' where segment_id = %d"
                .formatted(ago, key.segmentId()));
    }

    private List<String> tables(String schema) {
        return db.rows("""
                select relname from pg_class where relnamespace = '%s'::regnamespace and relkind = 'r'
                  and relname ~ '^segment_\\d+_\\d+_\\d+' order by 1
                """.formatted(schema));
    }

    private List<String> registered() {
        return db.rows("select segment_id from segdiff.segments order by 1");
    }

    @Test
    void segmentUnusedForMoreThan32DaysLosesRegistryRowAndVersionsAndItsSnapshotGoesToTheTrash() {
        SegmentKey key = unused(1, 1, 2, 3);
        String snapshot = key.snapshot(segments.version(key)).name();
        segments.segment(2, 1);
        segments.run(SegmentFixture.DAY);

        RunReport report = segments.cleanup();

        assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(report.counts()).containsExactly(Map.entry("trashed", 1L));
        assertThat(registered()).containsExactly("2");
        assertThat(db.rows("select segment_id from segdiff.segment_versions")).containsExactly("2");
        assertThat(tables("segdiff_trash")).containsExactly(snapshot);
        assertThat(tables("segdiff")).hasSize(1);
    }

    @Test
    void segmentUnusedForExactly32DaysStays() {
        SegmentKey key = segments.segment(1, 1);
        lastUsed(key, "31 days 23 hours 59 minutes");

        RunReport report = segments.cleanup();

        assertThat(report.outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(report.reason()).contains("no segment is unused for 32 days");
        assertThat(registered()).containsExactly("1");
    }

    @Test
    void inactiveCustomerIsRemovedByMovingItsLastUseIntoThePast() {
        unused(1, 1);
        unused(2, 1);
        db.execute("insert into segdiff.segments (customer_id, segment_id, source) values (8, 1, 'public.source_1')");
        segments.run(SegmentFixture.DAY.plusDays(1));
        db.execute("update segdiff.segments set last_used_at = now() - interval '35 days' where customer_id = 7");

        segments.cleanup();

        assertThat(db.rows("select customer_id, segment_id from segdiff.segments"))
                .containsExactly("8|1");
    }

    @Test
    void diffsOfARemovedSegmentAreUnreachableAtOnce() {
        SegmentKey key = segments.segment(1, 1, 2);
        segments.run(SegmentFixture.DAY);
        segments.contacts(key, 1, 3);
        segments.run(SegmentFixture.DAY.plusDays(1));
        assertThat(segments.diffs(key)).hasSize(2);
        lastUsed(key, "33 days");

        segments.cleanup();

        assertThat(segments.diffs(key)).isEmpty();
    }

    @Test
    void trashIsDroppedAfterItsTime() {
        unused(1, 1);
        segments.cleanup();
        db.execute("update segdiff.trash set moved_at = moved_at - interval '6 days 23 hours'");
        assertThat(segments.cleanup().outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(tables("segdiff_trash")).hasSize(1);
        db.execute("update segdiff.trash set moved_at = moved_at - interval '2 hours'");

        RunReport report = segments.cleanup();

        assertThat(report.counts()).containsExactly(Map.entry("dropped", 1L));
        assertThat(tables("segdiff_trash")).isEmpty();
        assertThat(db.rows("select * from segdiff.trash")).isEmpty();
    }

    @Test
    void tableThatSomebodyTookBackByHandIsForgottenAndNotDropped() {
        unused(1, 1);
        segments.cleanup();
        String name = tables("segdiff_trash").get(0);
        db.execute(
                "alter table segdiff_trash.%s set schema public".formatted(name),
                "update segdiff.trash set moved_at = moved_at - interval '8 days'");

        segments.cleanup();

        assertThat(tables("public")).containsExactly(name);
        assertThat(db.rows("select * from segdiff.trash")).isEmpty();
    }

    @Test
    void restoredSegmentHasItsMembersAndGoesOnFromThere() {
        SegmentKey key = unused(1, 1, 2, 3);
        long version = segments.version(key);
        segments.cleanup();

        assertThat(segments.registry.restore(key)).isEqualTo(version);

        assertThat(segments.members(key)).containsExactly("1", "2", "3");
        assertThat(db.rows("select * from segdiff.trash")).isEmpty();
        assertThat(segments.registry.show(key).source()).isEqualTo("public.source_1");
        assertThat(segments.cleanup().outcome()).isEqualTo(Outcome.SKIPPED);
        segments.contacts(key, 1, 2, 4);
        segments.run(SegmentFixture.DAY.plusDays(1));
        assertThat(segments.diffs(key)).containsExactly("2026-03-02|3|f", "2026-03-02|4|t");
        assertThat(db.rows(
                        "select contact_id, added from segdiff.net_changes(7, 1, %d, (select current_version from segdiff.segments)) order by 1"
                                .formatted(version)))
                .containsExactly("3|f", "4|t");
    }

    @Test
    void readerOfAnEarlierVersionThanTheRestoredGetsTheFullSnapshot() {
        SegmentKey key = segments.segment(1, 1, 2);
        segments.run(SegmentFixture.DAY);
        long first = segments.version(key);
        segments.contacts(key, 1, 3);
        segments.run(SegmentFixture.DAY.plusDays(1));
        lastUsed(key, "33 days");
        segments.cleanup();
        segments.registry.restore(key);

        assertThat(db.rows(
                        "select complete, contact_id, added from segdiff.read_segment(7, 1, %d) order by 2 nulls first"
                                .formatted(first)))
                .containsExactly("t||", "t|1|t", "t|3|t");
    }

    @Test
    void segmentRegisteredAnewIsNotOverwrittenByARestore() {
        SegmentKey key = unused(1, 1);
        segments.cleanup();
        segments.registry.add(key, null);

        assertThatThrownBy(() -> segments.registry.restore(key))
                .isInstanceOf(DatabaseException.class)
                .hasMessageContaining("registered anew");
        assertThat(tables("segdiff_trash")).hasSize(1);
    }

    @Test
    void restoreOfASegmentThatIsNotInTheTrashFails() {
        assertThatThrownBy(() -> segments.registry.restore(new SegmentKey(7, 1)))
                .hasMessageContaining("segment 7/1 is not in the trash");
    }

    @Test
    void removedSegmentGoesToTheTrashToo() {
        SegmentKey key = segments.segment(1, 1);
        segments.run(SegmentFixture.DAY);

        segments.registry.remove(key);

        assertThat(segments.registry.trash()).singleElement().satisfies(entry -> assertThat(entry.owner())
                .isEqualTo("7/1"));
        segments.registry.restore(key);
        assertThat(segments.members(key)).containsExactly("1");
    }

    @Test
    void busyTableIsLeftForTheNextRunAndTheOthersGo() throws SQLException {
        SegmentKey busy = unused(1, 1);
        unused(2, 1);
        try (Connection reader = db.connect()) {
            reader.setAutoCommit(false);
            TestDatabase.rows(reader, "select * from " + busy.snapshot(segments.version(busy)));

            RunReport report = segments.cleanup();

            assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
            assertThat(report.reason()).contains("busy, left for the next run: 1");
            assertThat(report.counts()).contains(Map.entry("busy", 1L), Map.entry("trashed", 1L));
            assertThat(report.problems()).singleElement().asString().contains("segment 7/1 is busy");
            assertThat(registered()).containsExactly("1");
        }
        assertThat(segments.cleanup().counts()).contains(Map.entry("trashed", 1L));
    }

    @Test
    void segmentThatIsBeingWorkedOnIsBusy() throws SQLException {
        unused(1, 1);
        try (Connection worker = db.connect()) {
            worker.setAutoCommit(false);
            TestDatabase.rows(worker, "select * from segdiff.segment_states for update");

            assertThat(segments.cleanup().counts()).contains(Map.entry("busy", 1L));
        }
        assertThat(registered()).containsExactly("1");
    }

    @Test
    void segmentUsedAfterItWasListedIsSpared() {
        unused(1, 1);

        boolean trashed = db.database().transaction(session -> {
            List<SegmentKey> listed = new SnapshotCleanupQueries().unused(session, java.time.Duration.ofDays(32));
            db.execute("update segdiff.segments set last_used_at = now()");
            return new SnapshotCleanupQueries().trash(session, listed.get(0), java.time.Duration.ofDays(32));
        });

        assertThat(trashed).isFalse();
        assertThat(registered()).containsExactly("1");
    }

    @Test
    void tablesOfOthersThatOnlyResembleASnapshotAreNeverTouched() {
        db.execute(
                "create table segdiff.segment_notes (contact_id bigint)",
                "create table segdiff.segment_1_2_3 (contact_id bigint, note text)",
                "create table segdiff.segment_1_2_4 (contact_id text)",
                "create table segdiff.segment_1_2_5_old (contact_id bigint)",
                "create table segdiff.my_segment_1_2_6 (contact_id bigint)",
                "create view segdiff.segment_1_2_7 as select 1::bigint as contact_id",
                "create table public.segment_1_2_8 (contact_id bigint)");
        segments = new SegmentFixture(db, "segdiff.segments.orphan-grace", "0s");

        segments.cleanup();
        segments.cleanup();

        assertThat(db.rows("select * from segdiff.trash")).isEmpty();
        assertThat(db.rows("select relname from pg_class where relname ~ 'segment_(notes|1_2)' order by 1"))
                .hasSize(7);
        assertThat(segments.cleanup.goal().problems()).isEmpty();
    }

    @Test
    void orphanIsReportedAndGoesToTheTrashAfterItsGrace() {
        db.execute("set role segdiff_worker", "create table segdiff.segment_1_2_3 (contact_id bigint)");

        assertThat(segments.cleanup().outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(segments.cleanup.goal().problems())
                .singleElement()
                .asString()
                .startsWith("table segdiff.segment_1_2_3 belongs to no segment; it goes to the trash after ");
        db.execute("update segdiff.trash set planned_at = planned_at - interval '8 days'");

        assertThat(segments.cleanup().counts()).containsExactly(Map.entry("orphans_trashed", 1L));
        assertThat(tables("segdiff_trash")).containsExactly("segment_1_2_3");
    }

    @Test
    void tableThatIsNoLongerAnOrphanIsNotMoved() {
        db.execute("create table segdiff.segment_1_2_3 (contact_id bigint)");
        segments.cleanup();
        db.execute("alter table segdiff.segment_1_2_3 add column note text");

        db.database()
                .inTransaction(session -> segments.trash.move(
                        session, session.one("select trash_id from segdiff.trash", row -> row.getLong(1))));

        assertThat(tables("segdiff")).containsExactly("segment_1_2_3");
        assertThat(db.rows("select * from segdiff.trash")).isEmpty();
    }

    @Test
    void segmentWhoseTableIsMissingIsReported() {
        SegmentKey key = segments.segment(1, 1);
        segments.run(SegmentFixture.DAY);
        db.execute("drop table " + key.snapshot(segments.version(key)));

        Goal goal = segments.cleanup.goal();

        assertThat(goal.met()).isFalse();
        assertThat(goal.problems()).singleElement().asString().startsWith("segment 7/1: its snapshot table is missing");
        lastUsed(key, "33 days");
        assertThat(segments.cleanup().counts()).contains(Map.entry("trashed", 1L));
        assertThat(registered()).isEmpty();
    }

    @Test
    void goalIsMissedWhenUnusedSegmentsStayForDays() {
        SegmentKey key = segments.segment(1, 1);
        assertThat(segments.cleanup.goal().met()).isTrue();
        lastUsed(key, "33 days");
        assertThat(segments.cleanup.goal().met()).isTrue();
        lastUsed(key, "34 days");

        assertThat(segments.cleanup.goal().met()).isFalse();
        assertThat(segments.cleanup.goal().measure("segments_overdue")).hasValue(1);
    }

    @Test
    void dryRunCountsAndTellsAndTouchesNothing() {
        unused(1, 1);

        RunReport report = segments.dryCleanup();

        assertThat(report.counts()).contains(Map.entry("trashed", 1L));
        assertThat(report.statements()).singleElement().asString().contains("segdiff.trash_segment");
        assertThat(registered()).containsExactly("1");
        assertThat(db.rows("select * from segdiff.trash")).isEmpty();
    }

    @Test
    void hundredsOfUnusedSegmentsAreRemovedInTransactionsOfTheirOwn() {
        db.execute("""
                insert into segdiff.segments (customer_id, segment_id, source)
                select 7, s, 'public.nowhere' from generate_series(1, 500) s
                """, "set role segdiff_worker", """
                do $$ begin
                    for s in 1..500 loop
                        execute format('create table segdiff.segment_7_%s_%s (contact_id bigint not null)', s, s);
                        if s % 500 = 0 then commit; end if;
                    end loop;
                end $$
                """, "reset role", """
                update segdiff.segments set current_version = segment_id, last_used_at = now() - interval '40 days',
                    snapshot = format('segdiff.segment_7_%s_%s', segment_id, segment_id)::regclass
                """, """
                insert into segdiff.segment_versions (version, customer_id, segment_id, day, contacts, added, removed, baseline)
                select s, 7, s, '2026-03-01', 0, 0, 0, true from generate_series(1, 500) s
                """);

        RunReport report = segments.cleanup();

        assertThat(report.counts()).contains(Map.entry("trashed", 500L));
        assertThat(registered()).isEmpty();
        assertThat(db.value("select count(distinct moved_at) from segdiff.trash"))
                .isEqualTo("500");
    }

    @Test
    void unusedAfterOfLessThanADayIsRefused() {
        segments = new SegmentFixture(db, "segdiff.segments.unused-after", "1h");

        assertThatThrownBy(segments::cleanup)
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("segdiff.segments.unused-after");
    }

    /** What a wrong moment of the program would do: the database wants a day without use by its own clock. */
    @Test
    void momentOfTheFutureRemovesNoSegment() {
        segments.segment(99, 1, 2);
        segments.run(DAY);

        assertThatThrownBy(() -> db.execute("select segdiff.trash_segment(7, 99, now() + interval '1 year')"))
                .hasMessageContaining("expected a moment before");
        assertThat(db.value("select count(*) from segdiff.segments where segment_id = 99"))
                .isEqualTo("1");
    }

    @Test
    void tableIsNotDroppedBeforeItsTimeInTheTrash() {
        SegmentKey key = segments.segment(99, 1, 2);
        segments.run(DAY);
        segments.registry.remove(key);
        dev.segdiff.trash.Trash.Entry entry = segments.registry.trash().get(0);

        boolean dropped =
                db.database().transaction(session -> segments.trash.drop(session, entry, java.time.Duration.ofDays(7)));

        assertThat(dropped).isFalse();
        assertThat(segments.registry.restore(key)).isPositive();
    }
}
