package dev.segdiff.index;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Settings;
import dev.segdiff.index.VacuumQueries.Due;
import dev.segdiff.pace.Gate;
import dev.segdiff.pace.LongStatement;
import dev.segdiff.pace.LongStatement.OnTable;
import dev.segdiff.run.RunContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Vacuums or analyzes the tables for which autovacuum would come late, and freezes partitions that will not change any
 * more. The number of tables in a run is limited.
 */
@ApplicationScoped
class Vacuums {
    /**
     * The pause between portions of work, as autovacuum has it by default. A vacuum by hand would work without pauses.
     */
    private static final String COST_DELAY = "2ms";

    /**
     * How long a vacuum waits for the lock of its table. A session that has the table for 2 s, such as another vacuum,
     * probably has it for much longer.
     */
    private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(2);

    private final Database database;
    private final VacuumQueries queries;
    private final Obstacles conditions;
    private final LongStatement statement;
    private final IndexConfig config;

    Vacuums(
            Database database,
            VacuumQueries queries,
            Obstacles conditions,
            LongStatement statement,
            IndexConfig config) {
        this.database = database;
        this.queries = queries;
        this.conditions = conditions;
        this.statement = statement;
        this.config = config;
    }

    /** Vacuums or analyzes tables with many dead or changed rows. */
    void vacuum(RunContext run, Gate gate) {
        if (!run.request().dryRun()) {
            run.inTransaction(database, queries::forget);
        }
        each(run, gate, database.transaction(queries::changed));
    }

    /** Freezes partitions whose time is over. */
    void freeze(RunContext run, Gate gate) {
        each(run, gate, database.transaction(queries::over));
    }

    private void each(RunContext run, Gate gate, List<Due> all) {
        for (Due due : all) {
            if (done(run) >= config.maxVacuums()
                    || database.transaction(conditions::window).isPresent()) {
                run.counts().add("vacuums_left", all.size() - all.indexOf(due));
                return;
            }
            gate.pass();
            if (run.request().dryRun()) {
                run.wouldRun(due.kind().sql(due.table()));
                count(run, due);
            } else {
                attempt(run, due);
            }
        }
    }

    private void attempt(RunContext run, Due due) {
        long id = run.transaction(database, session -> queries.begin(session, run.runId(), due));
        Settings settings =
                statement.settings(config.statementTimeout(), LOCK_TIMEOUT).with("vacuum_cost_delay", COST_DELAY);
        try {
            Optional<String> gaveWay =
                    statement.run(run, new OnTable(due.kind().sql(due.table()), due.oid(), settings), () -> {});
            if (gaveWay.isPresent()) {
                run.counts().add("busy", 1);
                run.problem("table " + due.table().plain() + ": vacuum " + gaveWay.get());
                return;
            }
        } catch (DatabaseException e) {
            run.stepFailed("table " + due.table().plain(), e, e.isLockTimeout() || e.isCancelled());
            return;
        }
        run.inTransaction(database, session -> queries.end(session, id));
        count(run, due);
    }

    private static void count(RunContext run, Due due) {
        run.counts()
                .add(
                        switch (due.kind()) {
                            case VACUUM -> "vacuumed";
                            case ANALYZE -> "analyzed";
                            case FREEZE -> "frozen";
                        },
                        1);
    }

    private static long done(RunContext run) {
        return run.counts().get("vacuumed")
                + run.counts().get("analyzed")
                + run.counts().get("frozen");
    }
}
