package dev.segdiff.index;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.run.RunFixture;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.TestConfig;
import dev.segdiff.support.TestDatabase;
import java.time.LocalDate;

/** The feature, wired by hand over a test's database. It looks after the schema public, too. */
final class IndexFixture {
    private static final LocalDate DAY = LocalDate.of(2026, 3, 1);

    final TestDatabase db;
    final RunFixture runs;
    final IndexQueries queries;
    final IndexMaintenance job;

    IndexFixture(TestDatabase db, String... settings) {
        this.db = db;
        String[] all = java.util.Arrays.copyOf(settings, settings.length + 4);
        all[settings.length] = "segdiff.index.tables";
        all[settings.length + 1] = "public.*";
        all[settings.length + 2] = "segdiff.index.disk-space";
        all[settings.length + 3] = "1GB";
        runs = new RunFixture(db, all);
        Database database = runs.database;
        IndexConfig config = TestConfig.of(IndexConfig.class, all);
        queries = new IndexQueries(new Scope(config));
        RebuildLedger ledger = new RebuildLedger();
        Conditions conditions = new Conditions(config, runs.config);
        LongStatement statement = new LongStatement(database);
        Leftovers leftovers = new Leftovers(database, ledger, statement);
        job = new IndexMaintenance(
                database,
                conditions,
                leftovers,
                new Rebuilds(database, queries, ledger, conditions, leftovers, statement, config),
                new IndexGoal(database, queries, config),
                runs.throttle);
    }

    /** A table of the worker with an index event_id that needs {@code factor} times fewer pages than it has. */
    static void bloat(TestDatabase db, String table, int rows, int factor) {
        db.execute(
                "create table %s (id bigint not null, filler text)".formatted(table),
                "alter table %s set (autovacuum_enabled = false)".formatted(table),
                "insert into %s select g, 'x' from generate_series(1, %d) g".formatted(table, rows * factor),
                "create index %1$s_id on %1$s (id)".formatted(table),
                "delete from %s where id %% %d <> 0".formatted(table, factor),
                "vacuum analyze " + table);
        db.giveToWorker(table);
    }

    IndexState index(String name) {
        return runs.database.transaction(queries::all).stream()
                .filter(index -> index.index().name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    RunReport run() {
        return runs.run(job, RunFixture.request(DAY));
    }

    RunReport run(Cancellation cancellation) {
        return runs.runner.run(job, RunFixture.request(DAY), cancellation, run -> {});
    }

    RunReport dryRun() {
        return runs.run(job, RunFixture.dryRun(DAY));
    }
}
