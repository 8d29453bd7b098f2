package dev.segdiff.segment;

import static dev.segdiff.segment.SegmentFixture.DAY;
import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.db.TableName;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.Await;
import java.time.Duration;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a version and its diff tell. */
class SegmentDiffTest extends DiffFixture {
    @Test
    void firstVersionIsABaselineWithoutDiffs() {
        SegmentKey key = segments.segment(1, 1, 2, 3);

        RunReport report = segments.run(DAY);

        assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(segments.members(key)).containsExactly("1", "2", "3");
        assertThat(segments.diffs(key)).isEmpty();
        assertThat(segments.registry.versions(key, 9)).singleElement().satisfies(version -> {
            assertThat(version.baseline()).isTrue();
            assertThat(version.contacts()).isEqualTo(3);
        });
    }

    @Test
    void nextVersionTellsWhoJoinedAndWhoLeft() {
        SegmentKey key = segments.segment(1, 1, 2, 3);
        segments.run(DAY);
        segments.contacts(key, 2, 3, 4, 5);

        RunReport report = segments.run(DAY.plusDays(1));

        assertThat(segments.members(key)).containsExactly("2", "3", "4", "5");
        assertThat(segments.diffs(key)).containsExactly("2026-03-02|1|f", "2026-03-02|4|t", "2026-03-02|5|t");
        assertThat(report.counts()).containsEntry("added", 2L).containsEntry("removed", 1L);
        assertThat(segments.registry.show(key).contacts()).isEqualTo(4);
    }

    @Test
    void snapshotIsNamedAfterItsVersionAndTheOldNameIsGone() {
        SegmentKey key = segments.segment(1, 1);
        segments.run(DAY);
        segments.run(DAY.plusDays(1));

        assertThat(db.rows("select relname from pg_class where relname ~ '^segment_\\d+_\\d+_\\d+$'"))
                .containsExactly("segment_7_1_" + segments.version(key));
    }

    @Test
    void secondRunOnADayChangesNothing() {
        SegmentKey key = segments.segment(1, 1);
        segments.run(DAY);
        long version = segments.version(key);
        segments.contacts(key, 2);

        RunReport report = segments.run(DAY);

        assertThat(report.outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(report.reason()).contains("no segment is due for 2026-03-01");
        assertThat(segments.version(key)).isEqualTo(version);
    }

    @Test
    void forcedRunPublishesAnotherVersionOfTheDay() {
        SegmentKey key = segments.segment(1, 1, 2);
        segments.run(DAY);
        segments.contacts(key, 2);

        assertThat(segments.run(SegmentFixture.forced(DAY)).outcome()).isEqualTo(Outcome.SUCCEEDED);

        assertThat(segments.registry.versions(key, 9)).hasSize(2);
        assertThat(segments.members(key)).containsExactly("2");
    }

    @Test
    void dayBeforeTheCurrentVersionIsNeverPublishedNotEvenByForce() {
        SegmentKey key = segments.segment(1, 1);
        segments.run(DAY);
        long version = segments.version(key);

        assertThat(segments.run(SegmentFixture.forced(DAY.minusDays(1))).outcome())
                .isEqualTo(Outcome.SKIPPED);
        assertThat(segments.version(key)).isEqualTo(version);
    }

    @Test
    void duplicateIdsCountOnce() {
        SegmentKey key = segments.segment(1, 1, 1, 2);
        segments.run(DAY);
        segments.contacts(key, 1, 1, 3, 3, 3);

        segments.run(DAY.plusDays(1));

        assertThat(segments.members(key)).containsExactly("1", "3");
        assertThat(segments.registry.show(key).contacts()).isEqualTo(2);
        assertThat(segments.diffs(key)).containsExactly("2026-03-02|2|f", "2026-03-02|3|t");
    }

    @Test
    void largeSegmentsTakeTheParallelPathToTheSameResult() {
        db.execute("create table large (contact_id bigint)", "insert into large select generate_series(1, 60000)");
        SegmentKey key = new SegmentKey(7, 1);
        segments.registry.add(key, new TableName("public", "large"));
        segments.run(DAY);
        db.execute(
                "delete from large where contact_id % 100 = 0",
                "insert into large select generate_series(60001, 60500)",
                "insert into large select generate_series(60001, 60500)");

        RunReport report = segments.run(DAY.plusDays(1));

        assertThat(report.counts()).containsEntry("added", 500L).containsEntry("removed", 600L);
        assertThat(db.value("select count(*), count(distinct contact_id), sum(contact_id) from "
                        + key.snapshot(segments.version(key))))
                .isEqualTo(
                        db.value(
                                "select count(distinct contact_id), count(distinct contact_id), sum(distinct contact_id) from large"));
        assertThat(
                        db.value(
                                "select count(*) filter (where added), count(*) filter (where not added) from segdiff.segment_diffs"))
                .isEqualTo("500|600");
    }

    @Test
    void sourceIsFilteredByTheKeyColumnsThatItHas() {
        db.execute(
                "create table shared (customer_id int, segment_id smallint, contact_id int)",
                "insert into shared values (7, 1, 10), (7, 2, 20), (8, 1, 30)");
        SegmentKey one = new SegmentKey(7, 1);
        SegmentKey two = new SegmentKey(7, 2);
        segments.registry.add(one, TableName.parse("shared"));
        segments.registry.add(two, TableName.parse("shared"));

        segments.run(DAY);

        assertThat(segments.members(one)).containsExactly("10");
        assertThat(segments.members(two)).containsExactly("20");
    }

    @Test
    void sourceSeesTheLogicalDayAndItsZone() {
        db.execute("""
                create view days as
                select extract(day from segdiff.logical_day())::int as contact_id
                union all select case when current_setting('TimeZone') = 'Asia/Tokyo' then 100 else 200 end
                """);
        segments = new SegmentFixture(db, "segdiff.time-zone", "Asia/Tokyo");
        SegmentKey key = new SegmentKey(7, 1);
        segments.registry.add(key, TableName.parse("days"));

        segments.run(DAY.plusDays(4));

        assertThat(segments.members(key)).containsExactly("5", "100");
    }

    @Test
    void logicalDayOutsideOfARunIsTodayInUtc() {
        assertThat(db.value("select segdiff.logical_day() = (now() at time zone 'UTC')::date"))
                .isEqualTo("t");
    }

    @ParameterizedTest
    @ValueSource(ints = {10, 60_000})
    void dryRunTellsWhatWouldChangeAndChangesNothing(int contacts) {
        SegmentKey key = segments.segment(1, LongStream.rangeClosed(1, contacts).toArray());
        segments.run(DAY);
        long version = segments.version(key);
        segments.contacts(key, LongStream.rangeClosed(2, contacts + 2).toArray());
        String before = db.value("select count(*), min(contact_id), max(contact_id) from " + key.snapshot(version));

        RunReport report = segments.run(SegmentFixture.dryRun(DAY.plusMonths(3)));

        assertThat(report.counts()).containsEntry("added", 2L).containsEntry("removed", 1L);
        assertThat(report.dryRun()).isTrue();
        assertThat(segments.version(key)).isEqualTo(version);
        assertThat(db.value("select count(*), min(contact_id), max(contact_id) from " + key.snapshot(version)))
                .isEqualTo(before);
        assertThat(segments.diffs(key)).isEmpty();
        assertThat(db.value("select to_regclass('segdiff.segment_diffs_2026_06')"))
                .isEmpty();
    }

    @Test
    void namesOfSourcesAreNeverReadAsSql() {
        db.execute(
                "create table \"x; drop table victim; --\" (contact_id bigint)",
                "create table victim (contact_id bigint)",
                "insert into \"x; drop table victim; --\" values (1)");
        SegmentKey key = new SegmentKey(7, 1);
        segments.registry.add(key, TableName.parse("\"x; drop table victim; --\""));

        segments.run(DAY);

        assertThat(segments.members(key)).containsExactly("1");
        assertThat(db.value("select to_regclass('victim')")).isEqualTo("victim");
    }

    @Test
    void autovacuumOfASnapshotGivesWayToItsNextVersion() {
        SegmentKey key = segments.segment(1, LongStream.rangeClosed(1, 5_000).toArray());
        segments.run(DAY);
        db.execute(
                "alter system set autovacuum_naptime = '1s'",
                "alter table segdiff.segment_7_1_%d set (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)"
                        .formatted(segments.version(key)),
                "select pg_reload_conf()");
        try {
            // The launcher goes from one database to the next, and other tests have theirs.
            Await.untilWithin(Duration.ofMinutes(3), "an autovacuum is at the snapshot", () -> !db.rows(
                            "select pid from pg_stat_progress_vacuum where relid = 'segdiff.segment_7_1_%d'::regclass"
                                    .formatted(segments.version(key)))
                    .isEmpty());

            assertThat(segments.run(DAY.plusDays(1)).outcome()).isEqualTo(Outcome.SUCCEEDED);
        } finally {
            db.execute("alter system reset autovacuum_naptime", "select pg_reload_conf()");
        }
    }
}
