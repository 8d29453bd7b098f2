package dev.segdiff.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.Await;
import dev.segdiff.support.TestDatabase;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class VacuumTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private IndexFixture wire(String... more) {
        List<String> settings = new ArrayList<>(List.of("segdiff.index.vacuum-min-rows", "1000"));
        settings.addAll(List.of(more));
        return new IndexFixture(db, settings.toArray(String[]::new));
    }

    /** PostgreSQL 14 tells of changes a moment later. */
    private void table(String name, int rows, String change, String counter, int changed) {
        db.execute(
                "create table %s (id int, filler text)".formatted(name),
                "insert into %s select g, 'x' from generate_series(1, %d) g".formatted(name, rows));
        db.execute("vacuum analyze " + name);
        db.giveToWorker(name);
        Await.until("statistics are fresh", () -> db.value(statistic(name, "n_mod_since_analyze"))
                .equals("0"));
        db.execute(change);
        Await.until(
                "the change is known", () -> db.value(statistic(name, counter)).equals(String.valueOf(changed)));
    }

    private static String statistic(String table, String counter) {
        return "select %s from pg_stat_user_tables where relname = '%s'".formatted(counter, table);
    }

    @Test
    void tableWithManyDeadRowsIsVacuumedBeforeAutovacuum() {
        table("event", 20_000, "delete from event where id <= 2000", "n_dead_tup", 2000);

        RunReport report = wire().run();

        assertThat(report.outcome()).as(report.toString()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(report.counts()).containsEntry("vacuumed", 1L);
        Await.until("no row is dead", () -> db.value(statistic("event", "n_dead_tup"))
                .equals("0"));
        assertThat(db.rows("select table_name, kind, dead_before, ended_at is not null from segdiff.vacuums"))
                .containsExactly("public.event|vacuum|2000|t");
    }

    /** The vacuum of the table gives way, and counts as busy. */
    @Test
    void vacuumThatGivesWayUsesUpNoRebuild() throws java.sql.SQLException {
        IndexFixture.bloat(db, "bloated", 20_000, 4);
        table("event", 20_000, "delete from event where id <= 2000", "n_dead_tup", 2000);
        try (java.sql.Connection other = db.connect()) {
            other.setAutoCommit(false);
            TestDatabase.rows(other, "select * from event limit 0");
            other.createStatement().execute("lock table event in share update exclusive mode");

            RunReport report = wire("segdiff.index.max-rebuilds", "1", "segdiff.lock-timeout", "200ms")
                    .run();

            assertThat(report.counts())
                    .as(report.toString())
                    .containsEntry("busy", 1L)
                    .containsEntry("rebuilt", 1L);
        }
    }

    @Test
    void tableDueForAutovacuumIsLeftToAutovacuum() {
        table("event", 20_000, "delete from event where id <= 5000", "n_dead_tup", 5000);

        // If autovacuum was quicker, nothing is due either.
        assertThat(wire().run().counts()).doesNotContainKey("vacuumed");
    }

    @Test
    void fewDeadRowsAreNoReason() {
        table("event", 20_000, "delete from event where id <= 900", "n_dead_tup", 900);

        assertThat(wire().run().outcome()).isEqualTo(Outcome.SKIPPED);
    }

    @Test
    void tableThatHasGrownMuchIsAnalyzed() {
        table("event", 20_000, "insert into event select generate_series(1, 1500)", "n_mod_since_analyze", 1500);

        assertThat(wire().run().counts()).containsEntry("analyzed", 1L);
    }

    @Test
    void tableOfAnotherOwnerIsLeftToAutovacuum() {
        table("event", 20_000, "delete from event where id <= 2000", "n_dead_tup", 2000);
        db.execute("alter table event owner to current_user");

        assertThat(wire().run().outcome()).isEqualTo(Outcome.SKIPPED);
    }

    @Test
    void diffsOfPastMonthsAreFrozenOnceAndAgainWhenTheyChange() {
        db.execute(
                "create table segdiff.segment_diffs_2026_01 partition of segdiff.segment_diffs for values from ('2026-01-01') to ('2026-02-01')",
                "create table segdiff.segment_diffs_2999_01 partition of segdiff.segment_diffs for values from ('2999-01-01') to ('2999-02-01')",
                "alter table segdiff.segment_diffs_2026_01 owner to segdiff_worker",
                "alter table segdiff.segment_diffs_2999_01 owner to segdiff_worker",
                "insert into segdiff.segment_diffs select 1, g, '2026-01-15', true from generate_series(1, 100) g",
                "insert into segdiff.segment_diffs select 1, g, '2999-01-15', true from generate_series(1, 100) g");
        Await.until("the rows are known", () -> db.value(statistic("segment_diffs_2026_01", "n_tup_ins"))
                .equals("100"));
        IndexFixture index = wire();

        assertThat(index.run().counts()).containsEntry("frozen", 1L);

        assertThat(
                        db.value(
                                "select relfrozenxid::text::bigint >= (select min(xmin::text::bigint) from segdiff.segment_diffs_2999_01) from pg_class where relname = 'segment_diffs_2026_01'"))
                .isEqualTo("t");
        assertThat(db.rows("select table_name from segdiff.vacuums")).containsExactly("segdiff.segment_diffs_2026_01");
        assertThat(index.run().outcome()).isEqualTo(Outcome.SKIPPED);
        db.execute("insert into segdiff.segment_diffs values (2, 1, '2026-01-15', true)");
        Await.until("the row is known", () -> db.value(statistic("segment_diffs_2026_01", "n_tup_ins"))
                .equals("101"));
        assertThat(index.run().counts()).containsEntry("frozen", 1L);
    }

    @Test
    void partitionsOfEventPoliciesAreFrozenWhenTheirTimeIsOver() {
        db.execute(
                "create table event (id uuid, at timestamptz) partition by range (id)",
                "create table event_1 partition of event for values from ('00000000-0000-0000-0000-000000000000') to ('019a0000-0000-0000-0000-000000000000')",
                "create table event_2 partition of event for values from ('019a0000-0000-0000-0000-000000000000') to ('1f000000-0000-0000-0000-000000000000')",
                "insert into event values ('01000000-0000-7000-8000-000000000000', now()), ('02000000-0000-7000-8000-000000000000', now())",
                "insert into segdiff.event_policies (policy, relation, key_column, key_kind, zone, retention) values ('event', 'public.event', 'id', 'UUID', 'UTC', '90 days')");
        db.giveToWorker("event");

        assertThat(wire().run().counts()).containsEntry("frozen", 1L);
        assertThat(db.rows("select table_name from segdiff.vacuums")).containsExactly("public.event_1");
    }

    @Test
    void notMoreTablesThanAllowedAreVacuumed() {
        table("event", 20_000, "delete from event where id <= 2000", "n_dead_tup", 2000);
        table("other", 20_000, "delete from other where id <= 3000", "n_dead_tup", 3000);

        RunReport report = wire("segdiff.index.max-vacuums", "1").run();

        assertThat(report.counts()).containsEntry("vacuumed", 1L).containsEntry("vacuums_left", 1L);
        assertThat(db.rows("select table_name from segdiff.vacuums")).containsExactly("public.other");
    }

    @Test
    void oldVacuumsAreForgottenButFrozenTablesAreRemembered() {
        db.execute("""
                insert into segdiff.vacuums (run_id, relation, table_name, kind, started_at, ended_at, dead_before, changes)
                select 1, case relation when 'gone' then 1 else 'segdiff.runs'::regclass::oid end, name, kind, now() - age::interval, now(), 1, 1
                from (values ('old', 'runs', 'vacuum', '13 months'), ('young', 'runs', 'analyze', '11 months'),
                             ('frozen', 'runs', 'freeze', '3 years'), ('of a dropped table', 'gone', 'freeze', '1 day')) v (name, relation, kind, age)
                """);

        wire().run();

        assertThat(db.rows("select table_name from segdiff.vacuums where run_id = 1 order by 1"))
                .containsExactly("frozen", "young");
    }
}
