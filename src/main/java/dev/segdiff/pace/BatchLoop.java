package dev.segdiff.pace;

import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Retry;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.WaitCause;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jboss.logging.Logger;

/**
 * Works through many rows in batches, each in a transaction of its own.
 *
 * <ol>
 *   <li>A batch that takes too long, or that PostgreSQL refuses, is tried again at half its size.
 *   <li>A batch that finds rows locked is tried again without those rows.
 *   <li>A batch of the smallest size that PostgreSQL still refuses is walked over without touching a row.
 *   <li>After each batch the run passes its gate, and pauses.
 * </ol>
 */
public final class BatchLoop {
    private static final Logger LOG = Logger.getLogger(BatchLoop.class);

    /**
     * While a batch waits for a locked row, it keeps the rows that it has locked itself, and other sessions queue up
     * behind those. So it waits for 100 ms only, and then passes over the row.
     */
    private static final Duration LOCK_TIMEOUT = Duration.ofMillis(100);

    /** A batch may take this many times its target before PostgreSQL ends it. */
    private static final int TIMEOUT_FACTOR = 4;

    /** How often a batch may find the table itself locked. */
    private static final int LOCK_ATTEMPTS = 5;

    /**
     * The time limit of a batch of the smallest size. A batch holds the row of the lease, so that the heartbeat cannot
     * renew the lease meanwhile: two such batches must fit into one lease of 30 s.
     */
    private static final Duration MAX_DURATION = Duration.ofSeconds(10);

    private static final long FIRST_ROWS = 1000;
    private static final long FIRST_PAGES = 16;

    /** More rows than this do not fit a page of 8 kB (MaxHeapTuplesPerPage). */
    private static final long ROWS_PER_PAGE = 291;

    /** What one batch has done. */
    public interface Done {
        /** Whether the batch found anything to do. */
        boolean worked();

        /** Rows of the table. */
        long rows();

        /** Whether another session waits for what this batch has locked. */
        boolean holdsUp();
    }

    /** One batch, in its transaction. */
    @FunctionalInterface
    public interface Work<D extends Done> {
        /** @param size rows, or pages, that the batch shall take */
        D run(Session session, long size, LockMode locks);
    }

    record Names(String subject, String count) {}

    private final Batches batches;
    private final RunContext run;
    private final Gate gate;
    private final Names names;
    private UnaryOperator<Settings> tuning = UnaryOperator.identity();
    private long left = Long.MAX_VALUE;

    BatchLoop(Batches batches, RunContext run, Gate gate, Names names) {
        this.batches = batches;
        this.run = run;
        this.gate = gate;
        this.names = names;
    }

    /** Not more rows than this in this run. */
    public BatchLoop atMost(long rows) {
        left = rows;
        return this;
    }

    /** Changes the settings of each transaction, for what its statements need. */
    public BatchLoop tuned(UnaryOperator<Settings> more) {
        tuning = more;
        return this;
    }

    /** How many more rows this run may take; {@link Long#MAX_VALUE} if there is no limit. */
    public long left() {
        return left;
    }

    public boolean isCapped() {
        return left < Long.MAX_VALUE;
    }

    public RunContext run() {
        return run;
    }

    /** A size in rows that adapts from batch to batch. */
    public BatchSize rows() {
        BatchConfig config = batches.config();
        return new BatchSize(FIRST_ROWS, config.minRows(), config.maxRows(), config.targetDuration());
    }

    /** A size in pages of 8 kB that adapts from batch to batch. */
    public BatchSize pages() {
        BatchConfig config = batches.config();
        return new BatchSize(FIRST_PAGES, 1, config.maxRows() / ROWS_PER_PAGE, config.targetDuration());
    }

    /** Asks a question under the same settings as the batches, for 10 s at most. */
    public <T> T ask(Function<Session, T> question) {
        return batches.database().transaction(settings(MAX_DURATION), run.cancellation(), question);
    }

    /**
     * Runs one batch until it succeeds.
     *
     * @param locks how the batch begins to treat locked rows
     * @throws DatabaseException if the table stays locked, or if PostgreSQL refuses for another reason than those above
     */
    public <D extends Done> D run(BatchSize size, LockMode locks, Work<D> work) {
        LockMode mode = locks;
        for (int locked = 0; ; ) {
            try {
                return measured(size, mode, work);
            } catch (DatabaseException e) {
                if (e.isLockTimeout() && mode == LockMode.WAIT) {
                    mode = LockMode.SKIP_LOCKED;
                } else if (e.isLockTimeout() && ++locked < LOCK_ATTEMPTS) {
                    gate.yieldTo(WaitCause.LOCK);
                } else if (e.isCancelled() && !size.isLeast()) {
                    size.halve();
                    run.counts().add("timeouts", 1);
                } else if (e.isConstraintViolation() && !size.isLeast()) {
                    size.halve();
                } else if (e.isConstraintViolation() && mode != LockMode.LEAVE_ALONE) {
                    mode = LockMode.LEAVE_ALONE;
                    run.counts().add("batches_refused", 1);
                    run.problem(names.subject() + ": a batch of the least size is left alone: " + e.getMessage());
                } else {
                    throw e;
                }
            }
        }
    }

    private <D extends Done> D measured(BatchSize size, LockMode locks, Work<D> work) {
        long start = System.nanoTime();
        long amount = size.get();
        Duration limit = size.isLeast()
                ? MAX_DURATION
                : batches.config().targetDuration().multipliedBy(TIMEOUT_FACTOR);
        D done = Retry.DEFAULT.run(
                run.cancellation(), e -> e.isTransient() && !e.isLockTimeout(), () -> batches.database()
                        .transaction(
                                run.settings(settings(limit)),
                                run.cancellation(),
                                session -> work.run(session, amount, locks)));
        if (done.worked()) {
            count(done, size, Duration.ofNanos(System.nanoTime() - start));
        }
        return done;
    }

    private Settings settings(Duration limit) {
        return tuning.apply(
                batches.database().defaults().statementTimeout(limit).lockTimeout(LOCK_TIMEOUT));
    }

    private void count(Done done, BatchSize size, Duration took) {
        boolean dryRun = run.request().dryRun();
        run.counts().add(dryRun ? "eligible" : names.count(), done.rows());
        run.counts().add("batches", dryRun ? 0 : 1);
        if (isCapped()) {
            left -= done.rows();
        }
        LOG.debugf("run=%d %s batch rows=%d took=%s", run.runId(), names.subject(), done.rows(), took);
        size.adapt(took);
        if (done.holdsUp()) {
            size.halve();
            gate.yieldTo(WaitCause.WAITERS);
        }
        if (!dryRun) {
            gate.pass(done.rows(), took);
            pause(done.rows());
        }
    }

    /** Shorter after a batch that found little. */
    private void pause(long rows) {
        BatchConfig config = batches.config();
        long longest = config.maxPause().toMillis() * Math.min(rows, config.maxRows()) / config.maxRows();
        run.cancellation().sleep(Duration.ofMillis(ThreadLocalRandom.current().nextLong(longest + 1)));
    }
}
