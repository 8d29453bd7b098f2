package dev.segdiff.index;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Settings;
import dev.segdiff.db.TableName;
import dev.segdiff.index.RebuildLedger.UnfinishedBuild;
import dev.segdiff.pace.LongStatement;
import dev.segdiff.pace.LongStatement.OnTable;
import dev.segdiff.run.RunContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Drops the invalid indexes that segdiff's own rebuilds have left behind. Such an index slows down every write and is
 * of use to nobody.
 */
@ApplicationScoped
class UnfinishedBuilds {
    /** The time limit for dropping an index at the end of a run that was asked to end. */
    private static final Duration LAST_TIMEOUT = Duration.ofSeconds(3);

    private final Database database;
    private final RebuildLedger ledger;
    private final LongStatement statement;
    private final IndexConfig config;

    UnfinishedBuilds(Database database, RebuildLedger ledger, LongStatement statement, IndexConfig config) {
        this.database = database;
        this.ledger = ledger;
        this.statement = statement;
        this.config = config;
    }

    /**
     * Drops what is left of all rebuilds that did not come to their end, unless an index of the same table is being
     * built.
     */
    void drop(RunContext run) {
        for (UnfinishedBuild rebuild : database.transaction(ledger::unfinished)) {
            try {
                drop(run, rebuild);
            } catch (DatabaseException e) {
                if (RunContext.isEndedBy(e)) {
                    throw e;
                }
                run.counts().add(e.isLockTimeout() || e.isCancelled() ? "busy" : "failed", 1);
                run.problem("leftover of " + rebuild.index() + " stays: " + e.getMessage());
            }
        }
    }

    private void drop(RunContext run, UnfinishedBuild rebuild) {
        if (rebuild.building()) {
            run.problem("leftover of " + rebuild.index() + " stays: an index of its table is being built");
            return;
        }
        Optional<TableName> left = database.transaction(session -> ledger.leftover(session, rebuild));
        for (; left.isPresent(); left = database.transaction(session -> ledger.leftover(session, rebuild))) {
            String sql = "drop index concurrently " + left.get();
            if (run.request().dryRun()) {
                run.wouldRun(sql);
                run.counts().add("leftovers_dropped", 1);
                return;
            }
            // The drop takes an instant, but waits for the sessions that use the table now. Nobody waits for the drop.
            Settings settings = statement.settings(config.statementTimeout(), config.maxWait());
            Optional<String> gaveWay = statement.run(run, new OnTable(sql, rebuild.tableOid(), settings), () -> {});
            if (gaveWay.isPresent()) {
                run.counts().add("busy", 1);
                run.problem("leftover " + left.get().plain() + " stays: " + gaveWay.get());
                return;
            }
            run.counts().add("leftovers_dropped", 1);
        }
        if (!run.request().dryRun()) {
            run.inTransaction(database, session -> ledger.clean(session, rebuild.rebuildId()));
        }
    }

    /**
     * Drops what this run has left behind, when the run is asked to end. It does so only if that is quick and the run
     * still holds its lease: without the lease, the index may belong to the next run. Otherwise the next run drops it.
     */
    void dropAtLast(RunContext run) {
        if (run.request().dryRun()) {
            return;
        }
        for (UnfinishedBuild rebuild : unfinishedAtLast(run)) {
            try {
                Optional<TableName> left = database.transaction(session -> ledger.leftover(session, rebuild));
                if (left.isPresent() && !rebuild.building()) {
                    database.outsideTransaction(
                            statement.settings(LAST_TIMEOUT, LAST_TIMEOUT),
                            new Cancellation(),
                            "drop index concurrently " + left.get());
                    run.counts().add("leftovers_dropped", 1);
                }
            } catch (DatabaseException e) {
                run.problem("leftover of " + rebuild.index() + " stays until the next run: " + e.getMessage());
            }
        }
    }

    private List<UnfinishedBuild> unfinishedAtLast(RunContext run) {
        try {
            return database.transaction(run.settings(database.defaults()), ledger::unfinished);
        } catch (DatabaseException e) {
            run.problem("unfinished builds stay until the next run: " + e.getMessage());
            return List.of();
        }
    }
}
