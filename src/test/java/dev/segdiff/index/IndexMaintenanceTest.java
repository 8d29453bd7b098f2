package dev.segdiff.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.run.Goal;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import java.time.LocalTime;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which indexes are rebuilt, and what is told. */
class IndexMaintenanceTest extends RebuildFixture {
    @Test
    void bloatedIndexIsRebuiltAndLean() {
        bloat("event");
        db.execute("create extension pgstattuple");
        IndexFixture index = wire();
        assertThat(index.index("event_id").bloat()).isGreaterThan(3);

        RunReport report = index.run();

        assertThat(report.outcome()).as(report.toString()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(report.counts()).containsEntry("rebuilt", 1L);
        assertThat(index.index("event_id").bloat()).isLessThan(1.1);
        assertThat(db.rows("""
                select outcome, index_name, table_name, measured, bytes_before > 3 * bytes_after, bloat_after < 1.1, clean, run_id = %d
                from segdiff.index_rebuilds
                """.formatted(report.runId())))
                .containsExactly("rebuilt|public.event_id|public.event|t|t|t|t|t");
    }

    @Test
    void withoutPgstattupleStatisticsDecide() {
        bloat("event");

        RunReport report = wire().run();

        assertThat(report.counts()).as(report.toString()).containsEntry("rebuilt", 1L);
        assertThat(db.value("select measured from segdiff.index_rebuilds")).isEqualTo("f");
    }

    @Test
    void indexThatPgstatindexFindsLeanIsNotRebuilt() {
        bloat("event");
        db.execute(
                "create schema tools",
                "create extension pgstattuple schema tools",
                "grant usage on schema tools to segdiff_worker");
        // A lie, by which the index should be a third of what it is.
        db.execute("reindex index event_id", "alter table event alter id set (n_distinct = 1)");
        IndexFixture.vacuum(db, "event");
        IndexFixture index = wire();
        assertThat(index.index("event_id").bloat()).isGreaterThan(2);

        RunReport report = index.run();

        assertThat(report.outcome()).as(report.toString()).isEqualTo(Outcome.SKIPPED);
        assertThat(report.counts()).containsEntry("refuted", 1L).doesNotContainKey("rebuilt");
        assertThat(index.job.goal().met()).as("what was measured is believed").isTrue();
        assertThat(index.run().counts()).as("for a while").doesNotContainKey("refuted");
        db.execute("update segdiff.index_rebuilds set ended_at = ended_at - interval '7 days'");
        assertThat(index.run().counts()).containsEntry("refuted", 1L);
    }

    @Test
    void estimateOfAFreshIndexCorrectsLaterEstimates() {
        db.execute(
                "create table event (id bigint not null)",
                "alter table event set (autovacuum_enabled = false)",
                // A lie, by which the index should be a third of what it is.
                "alter table event alter id set (n_distinct = 1)",
                "insert into event select generate_series(1, 40000)",
                "create index event_id on event (id)");
        IndexFixture.vacuum(db, "event");
        db.giveToWorker("event");
        IndexFixture index = wire("segdiff.index.rebuild-again-after", "1s");
        assertThat(index.run().counts()).containsEntry("rebuilt", 1L);
        db.execute("update segdiff.index_rebuilds set ended_at = ended_at - interval '1 hour'");

        assertThat(index.run().counts()).doesNotContainKey("rebuilt");
        assertThat(index.job.goal().met()).isTrue();
    }

    @Test
    void mostWastefulIndexesAreRebuiltFirstUpToTheLimit() {
        IndexFixture.bloat(db, "small", 10_000, 4);
        IndexFixture.bloat(db, "large", 20_000, 4);

        RunReport report = wire("segdiff.index.max-rebuilds", "1").run();

        assertThat(report.counts())
                .as(report.toString())
                .containsEntry("rebuilt", 1L)
                .containsEntry("skipped", 1L);
        assertThat(db.rows("select index_name, outcome from segdiff.index_rebuilds order by 1"))
                .containsExactly("public.large_id|rebuilt", "public.small_id|skipped");
        assertThat(report.problems()).anyMatch(p -> p.contains("public.small_id") && p.contains("max-rebuilds 1"));
    }

    @Test
    void rebuiltIndexIsNotRebuiltAgainSoon() {
        bloat("event");
        IndexFixture index = wire();
        index.run();
        db.execute("delete from event where id % 40 <> 0");
        IndexFixture.vacuum(db, "event");

        RunReport report = index.run();

        assertThat(report.outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(report.problems()).anyMatch(p -> p.contains("rebuilt 0 h ago") && p.contains("rebuild-again-after"));
        db.execute("update segdiff.index_rebuilds set ended_at = ended_at - interval '7 days'");
        assertThat(index.run().counts()).containsEntry("rebuilt", 1L);
    }

    @Test
    void outsideOfTheWindowNothingIsRebuilt() {
        bloat("event");
        LocalTime now = LocalTime.now(ZoneOffset.UTC);
        String window = now.plusHours(2).withSecond(0).withNano(0) + "-"
                + now.plusHours(4).withSecond(0).withNano(0);

        RunReport report = wire("segdiff.index.window", window).run();

        assertThat(report.outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(report.reason()).contains("outside of segdiff.index.window " + window);
    }

    @ParameterizedTest
    @ValueSource(strings = {"22:00", "22:00-22:00", "22:00-22:00:00", "22:00-25:00", "22:00-06:00-07:00", ""})
    void windowThatIsNoneIsRefused(String window) {
        assertThatThrownBy(() -> new TimeWindow.FromText().convert(window))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("22:00-06:00");
    }

    @ParameterizedTest
    @CsvSource({
        "22:00-06:00, 23:00, true",
        "22:00-06:00, 05:59, true",
        "22:00-06:00, 06:00, false",
        "22:00-06:00, 12:00, false",
        "01:00-02:00, 01:00, true",
        "01:00-02:00, 02:00, false",
        "any, 12:00, true"
    })
    void windowMayPassMidnight(String window, String now, boolean open) {
        assertThat(new TimeWindow.FromText().convert(window).isOpen(LocalTime.parse(now)))
                .isEqualTo(open);
    }

    @ParameterizedTest
    @CsvSource({"140000, true", "140003, true", "140004, false", "150000, false", "180006, false"})
    void versionsThatCorruptAreRefused(int version, boolean refused) {
        assertThat(Obstacles.corrupts(version)).isEqualTo(refused);
    }

    @Test
    void rebuildsOlderThanAYearAreForgotten() {
        db.execute("""
                insert into segdiff.index_rebuilds
                    (run_id, index_oid, index_name, table_oid, table_name, started_at, ended_at, outcome, bytes_before, bloat_before, measured, clean)
                select 1, 1, name, 1, 'gone', now() - age::interval, now(), 'rebuilt', 1, 1, true, clean
                from (values ('old', '13 months', true), ('young', '11 months', true)) v (name, age, clean)
                """);

        wire().run();

        assertThat(db.rows("select index_name from segdiff.index_rebuilds")).containsExactly("young");
    }

    @Test
    void dryRunTellsAndChangesNothing() {
        bloat("event");
        String before = db.value("select relfilenode from pg_class where relname = 'event_id'");

        RunReport report = wire().dryRun();

        assertThat(report.statements()).contains("reindex index concurrently \"public\".\"event_id\"");
        assertThat(db.value("select relfilenode from pg_class where relname = 'event_id'"))
                .isEqualTo(before);
        assertThat(db.rows("select * from segdiff.index_rebuilds")).isEmpty();
    }

    @Test
    void goalIsMissedByABloatedIndexAndMetAfterItsRebuild() {
        bloat("event");
        IndexFixture index = wire();
        Goal missed = index.job.goal();
        assertThat(missed.met()).isFalse();
        assertThat(missed.measure("indexes_bloated")).hasValue(1);
        assertThat(missed.problems()).anyMatch(p -> p.matches("index public.event_id has 3\\.\\d times the pages.*"));

        index.run();

        assertThat(index.job.goal().met()).isTrue();
    }
}
