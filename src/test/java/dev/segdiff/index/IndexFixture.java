package dev.segdiff.index;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.index.IndexReport.TableState;
import dev.segdiff.pace.LongStatement;
import dev.segdiff.run.RunFixture;
import dev.segdiff.run.RunReport;
import dev.segdiff.run.RunRequest;
import dev.segdiff.support.Await;
import dev.segdiff.support.TestConfig;
import dev.segdiff.support.TestDatabase;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;

/** The feature, wired by hand over a test's database. It looks after the schema public, too, and finds no vacuum due. */
public final class IndexFixture {
    private static final LocalDate DAY = LocalDate.of(2026, 3, 1);

    final TestDatabase db;
    final RunFixture runs;
    final IndexQueries queries;
    final IndexReporter reporter;
    final UnfinishedBuilds unfinishedBuilds;
    private final BloatMeter meter;
    final IndexMaintenance job;

    public IndexFixture(TestDatabase db, String... settings) {
        this.db = db;
        List<String> all = new ArrayList<>(List.of(
                "segdiff.index.tables",
                "public.*",
                "segdiff.index.min-size",
                "64kB",
                "segdiff.index.vacuum-min-rows",
                "100000000"));
        all.addAll(List.of(settings));
        String[] config = all.toArray(String[]::new);
        runs = new RunFixture(db, config);
        Database database = runs.database;
        IndexConfig indexConfig = TestConfig.of(IndexConfig.class, config);
        queries = new IndexQueries(new MaintainedTables(indexConfig), indexConfig);
        Pgstattuple pgstattuple = new Pgstattuple();
        meter = new BloatMeter(database, queries, pgstattuple, indexConfig);
        reporter = new IndexReporter(
                database, queries, new ReportQueries(new MaintainedTables(indexConfig)), pgstattuple, meter);
        RebuildLedger ledger = new RebuildLedger();
        Obstacles conditions = new Obstacles(indexConfig, runs.config);
        LongStatement statement = new LongStatement(database);
        unfinishedBuilds = new UnfinishedBuilds(database, ledger, statement, indexConfig);
        job = new IndexMaintenance(
                database,
                conditions,
                unfinishedBuilds,
                new Vacuums(
                        database,
                        new VacuumQueries(new MaintainedTables(indexConfig), indexConfig),
                        conditions,
                        statement,
                        indexConfig),
                new Rebuilds(database, queries, meter, ledger, conditions, unfinishedBuilds, statement, indexConfig),
                new IndexGoal(database, queries, indexConfig),
                runs.throttle);
    }

    /** A table of the worker with an index event_id that needs {@code factor} times fewer pages than it has. */
    public static void bloat(TestDatabase db, String table, int rows, int factor) {
        db.execute(
                "create table %s (id bigint not null, filler text)".formatted(table),
                "alter table %s set (autovacuum_enabled = false)".formatted(table),
                "insert into %s select g, 'x' from generate_series(1, %d) g".formatted(table, rows * factor),
                "create index %1$s_id on %1$s (id)".formatted(table),
                "delete from %s where id %% %d <> 0".formatted(table, factor));
        vacuum(db, table);
        db.giveToWorker(table);
    }

    /**
     * In a session of its own, or the statistics of what was deleted before come after those of the vacuum; before
     * PostgreSQL 15 they come when they come.
     */
    static void vacuum(TestDatabase db, String table) {
        db.execute("vacuum analyze " + table);
        Await.until("deleted rows are no longer counted", () -> db.rows("""
                select from pg_stat_all_tables s join pg_class c on c.oid = s.relid
                where c.relkind = 'r' and s.n_live_tup > 1.1 * c.reltuples
                  and s.relid in (select '%1$s'::regclass union select relid from pg_partition_tree('%1$s'))
                """.formatted(table))
                .isEmpty());
    }

    IndexState index(String name) {
        return runs.database.transaction(queries::all).stream()
                .filter(index -> index.index().name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** Also when nothing suspects it. */
    TableState measured(TableState table) {
        return meter.measured(table);
    }

    public RunReport run() {
        return runs.run(job, RunFixture.request(DAY));
    }

    RunReport run(Cancellation cancellation) {
        return runs.runner.run(job, RunFixture.request(DAY), cancellation, run -> {});
    }

    RunRequest dryRunRequest() {
        return RunFixture.dryRun(DAY);
    }

    RunReport dryRun() {
        return runs.run(job, dryRunRequest());
    }
}
