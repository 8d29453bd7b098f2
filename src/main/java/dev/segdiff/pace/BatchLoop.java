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
 * Works through many rows of one table in batches. Each batch is a transaction of its own.
 *
 * <ol>
 *   <li>A batch that takes too long, or that violates a constraint, is tried again at half its size.
 *   <li>A batch that finds rows locked is tried again without those rows.
 *   <li>A batch that violates a constraint even at the smallest size is passed over: no row of the batch is touched.
 *   <li>After each batch the run waits at its gate while the application is under pressure. Then the run pauses for at
 *       most {@code segdiff.batch.max-pause}, which is 50 ms by default.
 * </ol>
 */
public final class BatchLoop {
    private static final Logger LOG = Logger.getLogger(BatchLoop.class);

    /**
     * While a batch waits for a locked row, the batch keeps its own row locks, and other sessions queue up behind
     * these. So a batch waits only 100 ms for a locked row, and then passes over the row.
     */
    private static final Duration LOCK_TIMEOUT = Duration.ofMillis(100);

    /**
     * PostgreSQL ends a batch that takes this many times its target duration: with the default of 250 ms, after 1 s.
     */
    private static final int TIMEOUT_FACTOR = 4;

    /**
     * How often one batch may find the table itself locked. After each of the first four times, the run waits for a
     * second and tries again; the fifth time, the error is thrown.
     */
    private static final int LOCK_ATTEMPTS = 5;

    /**
     * The time limit of a batch of the smallest size. While a batch runs, it holds the row of the lease, so the
     * heartbeat cannot renew the lease. Therefore two such batches must fit into one lease, which lasts 30 s by default
     * (segdiff.lease-duration).
     */
    private static final Duration MAX_DURATION = Duration.ofSeconds(10);

    private static final long FIRST_ROWS = 1000;
    private static final long FIRST_PAGES = 16;

    /** The largest number of rows in a page of 8 kB (PostgreSQL's MaxHeapTuplesPerPage). */
    private static final long ROWS_PER_PAGE = 291;

    /** What one batch has done. */
    public interface Done {
        /** Whether the batch found anything to do. */
        boolean worked();

        /** The number of rows that the batch has worked on. */
        long rows();

        /** Whether another session waits for rows that this batch has locked. */
        boolean holdsUp();
    }

    /** One batch, in its transaction. */
    @FunctionalInterface
    public interface Work<D extends Done> {
        /** @param size how many rows the batch shall take, or how many pages if the loop counts in pages */
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

    /** Limits the number of rows that this loop works on in this run. */
    public BatchLoop atMost(long rows) {
        left = rows;
        return this;
    }

    /** Changes the settings of the transaction of each batch, such as {@code enable_seqscan}. */
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

    /** A batch size in rows, which adapts from batch to batch. */
    public BatchSize rows() {
        BatchConfig config = batches.config();
        return new BatchSize(FIRST_ROWS, config.minRows(), config.maxRows(), config.targetDuration());
    }

    /** A batch size in pages of 8 kB, which adapts from batch to batch. */
    public BatchSize pages() {
        BatchConfig config = batches.config();
        return new BatchSize(FIRST_PAGES, 1, config.maxRows() / ROWS_PER_PAGE, config.targetDuration());
    }

    /** Reads something in a transaction with the settings of the batches, for 10 s at most. */
    public <T> T ask(Function<Session, T> question) {
        return batches.database().transaction(settings(MAX_DURATION), run.cancellation(), question);
    }

    /**
     * Runs one batch until it succeeds.
     *
     * @param locks how the first attempt treats locked rows
     * @throws DatabaseException if the table stays locked, or if PostgreSQL reports an error that is neither a timeout
     *     nor a violated constraint
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
                    run.problem(names.subject() + ": a batch of the smallest size is passed over: " + e.getMessage());
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
        D done = Retry.DEFAULT.run(run.cancellation(), Retry::exceptForLocks, () -> batches.database()
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

    /**
     * Sleeps for a random time up to max-pause. After a batch with half of max-rows, the longest pause is half as long.
     */
    private void pause(long rows) {
        BatchConfig config = batches.config();
        long longest = config.maxPause().toMillis() * Math.min(rows, config.maxRows()) / config.maxRows();
        run.cancellation().sleep(Duration.ofMillis(ThreadLocalRandom.current().nextLong(longest + 1)));
    }
}
