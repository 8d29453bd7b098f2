package dev.segdiff.index;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Retry;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import dev.segdiff.pace.Gate;
import dev.segdiff.pace.LongStatement;
import dev.segdiff.pace.LongStatement.OnTable;
import dev.segdiff.run.RunContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Rebuilds bloated indexes while they are in use, the most wasteful first. Each rebuild is recorded before it begins.
 */
@ApplicationScoped
class Rebuilds {
    /**
     * How often a rebuild is tried again: a lock or an old transaction that is in the way may be gone after a short
     * while.
     */
    private static final Retry RETRY = new Retry(3, Duration.ofSeconds(1));

    private final Database database;
    private final IndexQueries queries;
    private final BloatMeter meter;
    private final RebuildLedger ledger;
    private final Obstacles conditions;
    private final UnfinishedBuilds unfinishedBuilds;
    private final LongStatement statement;
    private final IndexConfig config;

    Rebuilds(
            Database database,
            IndexQueries queries,
            BloatMeter meter,
            RebuildLedger ledger,
            Obstacles conditions,
            UnfinishedBuilds unfinishedBuilds,
            LongStatement statement,
            IndexConfig config) {
        this.database = database;
        this.queries = queries;
        this.meter = meter;
        this.ledger = ledger;
        this.conditions = conditions;
        this.unfinishedBuilds = unfinishedBuilds;
        this.statement = statement;
        this.config = config;
    }

    void run(RunContext run, Gate gate) {
        if (!run.request().dryRun()) {
            run.inTransaction(database, ledger::forget);
        }
        List<IndexState> suspects = database.transaction(queries::all).stream()
                .filter(meter::isWorthIt)
                .toList();
        AtomicInteger tried = new AtomicInteger();
        for (IndexState suspect : suspects) {
            gate.pass();
            consider(run, suspect, tried);
        }
    }

    /**
     * Decides about an index that statistics suspect. A measurement confirms or refutes the suspicion, and is left out
     * if the index could not be rebuilt now anyway.
     *
     * @param tried how many indexes this run has begun to rebuild, the failed rebuilds included
     */
    private void consider(RunContext run, IndexState suspect, AtomicInteger tried) {
        Optional<String> known =
                noMoreOf(tried).or(() -> meter.isLarge(suspect) ? ofItself(suspect) : Optional.empty());
        IndexState index = known.isPresent() ? suspect : meter.measured(suspect, run.cancellation());
        if (index.isBloated(config)) {
            // The measurement may have taken a while, so the obstacles are checked again.
            known.or(() -> noMoreOf(tried))
                    .or(() -> reasonNotTo(index))
                    .ifPresentOrElse(reason -> skip(run, index, reason), () -> {
                        tried.incrementAndGet();
                        rebuild(run, index);
                    });
        } else if (suspect.isBloated(config)) {
            run.counts().add("refuted", 1);
            if (!run.request().dryRun()) {
                run.inTransaction(database, session -> ledger.refute(session, run.runId(), index));
            }
        }
    }

    private Optional<String> noMoreOf(AtomicInteger tried) {
        return tried.get() >= config.maxRebuilds()
                ? Optional.of("this run has rebuilt segdiff.index.max-rebuilds " + config.maxRebuilds())
                : database.transaction(conditions::window);
    }

    private Optional<String> reasonNotTo(IndexState index) {
        return ofItself(index)
                .or(() -> database.transaction(
                        session -> conditions.noBuild(session).or(() -> conditions.noOldTransaction(session, index))));
    }

    private Optional<String> ofItself(IndexState index) {
        return Optional.ofNullable(index.untouchable())
                .or(() -> conditions.room(index))
                .or(() -> recently(index));
    }

    private Optional<String> recently(IndexState index) {
        OffsetDateTime last = index.rebuiltAt();
        if (last == null) {
            return Optional.empty();
        }
        Duration age = database.transaction((Session session) -> Duration.ofSeconds(
                session.one("select extract(epoch from now() - ?)::bigint", row -> row.getLong(1), last)));
        return age.compareTo(config.rebuildAgainAfter()) >= 0
                ? Optional.empty()
                : Optional.of("it was rebuilt " + age.toHours() + " h ago, within segdiff.index.rebuild-again-after "
                        + config.rebuildAgainAfter().toHours() + " h: look for what bloats it");
    }

    private void skip(RunContext run, IndexState index, String reason) {
        run.counts().add("skipped", 1);
        run.problem("index " + index.index().plain() + " stays bloated: " + reason);
        if (!run.request().dryRun()) {
            run.inTransaction(database, session -> ledger.skip(session, run.runId(), index, reason));
        }
    }

    private void rebuild(RunContext run, IndexState index) {
        String sql = "reindex index concurrently " + index.index();
        if (run.request().dryRun()) {
            run.wouldRun(sql);
            run.counts().add("rebuilt", 1);
            return;
        }
        try {
            RETRY.run(run.cancellation(), DatabaseException::isLockTimeout, () -> {
                attempt(run, index, sql);
                return 0;
            });
        } catch (DatabaseException e) {
            run.stepFailed("index " + index.index().plain(), e, e.isLockTimeout() || e.isCancelled());
        }
    }

    private void attempt(RunContext run, IndexState index, String sql) {
        long id = run.transaction(database, session -> ledger.begin(session, run.runId(), index));
        Settings settings = statement.settings(config.statementTimeout(), config.maxWait());
        try {
            Optional<String> gaveWay =
                    statement.run(run, new OnTable(sql, index.tableOid(), settings), () -> note(id, sql));
            if (gaveWay.isPresent()) {
                run.counts().add("busy", 1);
                run.problem("index " + index.index().plain() + " stays bloated: " + gaveWay.get());
                failed(run, id, gaveWay.get());
                return;
            }
        } catch (DatabaseException e) {
            if (!RunContext.isEndedBy(e)) {
                failed(run, id, String.valueOf(e.getMessage()));
            }
            throw e;
        }
        succeeded(run, id, index);
    }

    private void note(long id, String sql) {
        database.inTransaction(session -> ledger.noteNew(session, id, sql));
    }

    private void failed(RunContext run, long id, String reason) {
        run.inTransaction(database, session -> ledger.failed(session, id, reason));
        unfinishedBuilds.drop(run);
    }

    private void succeeded(RunContext run, long id, IndexState before) {
        Optional<IndexState> after = database.transaction(queries::all).stream()
                .filter(index -> index.index().equals(before.index()))
                .findFirst();
        run.inTransaction(database, session -> {
            ledger.rebuilt(session, id, after.orElse(null));
            ledger.clean(session, id);
        });
        run.counts().add("rebuilt", 1);
        run.counts()
                .add(
                        "bytes_freed",
                        before.bytes() - after.map(IndexState::bytes).orElse(before.bytes()));
        // The index has been rebuilt, even if the run is asked to end during this measurement.
        after.map(index -> meter.measured(index, run.cancellation()))
                .filter(IndexState::measured)
                .ifPresent(index -> run.inTransaction(database, session -> ledger.rebuilt(session, id, index)));
    }
}
