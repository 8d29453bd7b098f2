package dev.segdiff.index;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Settings;
import dev.segdiff.db.TableName;
import dev.segdiff.index.RebuildLedger.Unclean;
import dev.segdiff.pace.LongStatement;
import dev.segdiff.run.RunContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Invalid indexes that rebuilds of segdiff have left behind: each costs every write and serves nobody. */
@ApplicationScoped
class Leftovers {
    /** Whoever is to end has no more time than this. */
    private static final Duration LAST_TIMEOUT = Duration.ofSeconds(3);

    private final Database database;
    private final RebuildLedger ledger;
    private final LongStatement statement;
    private final IndexConfig config;

    Leftovers(Database database, RebuildLedger ledger, LongStatement statement, IndexConfig config) {
        this.database = database;
        this.ledger = ledger;
        this.statement = statement;
        this.config = config;
    }

    /** Drops what is left of all rebuilds that did not come to their end, where nothing is being built. */
    void drop(RunContext run) {
        for (Unclean rebuild : database.transaction(ledger::unclean)) {
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

    private void drop(RunContext run, Unclean rebuild) {
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
            // Dropping is done in an instant, but waits for whoever uses the table now; nobody waits for it meanwhile.
            Settings settings = statement.settings(config.statementTimeout(), config.maxWait());
            Optional<String> gaveWay = statement.run(run, settings, rebuild.tableOid(), sql, () -> {});
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
     * A run that is to end takes away what it has left, if that is quick and it still holds its lease: what is being built
     * otherwise may be its successor's. If not, the next run does it.
     */
    void dropAtLast(RunContext run) {
        if (run.request().dryRun()) {
            return;
        }
        for (Unclean rebuild : uncleanAtLast(run)) {
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

    private List<Unclean> uncleanAtLast(RunContext run) {
        try {
            return database.transaction(run.settings(database.defaults()), new Cancellation(), ledger::unclean);
        } catch (DatabaseException e) {
            run.problem("leftovers stay until the next run: " + e.getMessage());
            return List.of();
        }
    }
}
