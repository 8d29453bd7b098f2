package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Retry;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import dev.segdiff.event.EventQueries.Keys;
import dev.segdiff.event.EventQueries.Left;
import dev.segdiff.pace.BatchConfig;
import dev.segdiff.pace.BatchSize;
import dev.segdiff.pace.Gate;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.WaitCause;
import dev.segdiff.table.TimedTable;
import dev.segdiff.table.Where;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BiFunction;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Deletes the expired rows of one plain table in batches, oldest first. A batch begins where the one before ended, so
 * that it never walks over what that one has killed. What is locked is passed over and taken at the end.
 */
final class EventBatches {
    private static final Logger LOG = Logger.getLogger(EventBatches.class);

    /** A batch that waits for a row holds up whoever waits for the rows that it has; so it soon passes over it. */
    private static final Duration LOCK_TIMEOUT = Duration.ofMillis(100);

    /** A batch may take this many times its target before PostgreSQL ends it. */
    private static final int TIMEOUT_FACTOR = 4;

    /** How often a batch may find the table itself locked. */
    private static final int LOCK_ATTEMPTS = 5;

    /** For a statement of the least size; two of them are over before the lease is, which waits for them. */
    private static final Duration LONGEST = Duration.ofSeconds(10);

    private static final long FIRST_ROWS = 1000;
    private static final long FIRST_PAGES = 16;

    /** More rows than this do not fit a page (MaxHeapTuplesPerPage). */
    private static final long ROWS_PER_PAGE = 291;

    /** Places to look at again in this run; the next run looks everywhere. */
    private static final int MAX_AGAIN = 1000;

    /**
     * What one transaction did.
     *
     * @param first the least value it found; null: there was none
     * @param next where the next batch begins; null: there is no next
     * @param tie more rows of one value than fit a batch; nothing was done
     * @param rest rows that were passed over, or did not go
     * @param holdsUp whether somebody waits for what it has locked
     */
    private record Batch(
            @Nullable String first, @Nullable String next, boolean tie, long rows, Left rest, boolean holdsUp) {}

    private final Database database;
    private final EventQueries queries;
    private final BatchConfig config;
    private final RunContext run;
    private final Gate gate;
    private final EventPolicy policy;
    private final TimedTable table;
    private final BatchSize rowSize;
    private final BatchSize pageSize;
    private final List<Runnable> again = new ArrayList<>();
    private final KeptRows kept = new KeptRows();
    private Where expired = Where.of("false");
    private boolean passingOver;
    private boolean leavingAlone;
    private boolean told;
    private boolean counted;
    private long left;

    EventBatches(
            Database database,
            EventQueries queries,
            BatchConfig config,
            RunContext run,
            Gate gate,
            EventPolicy policy,
            TimedTable table,
            long maxRows) {
        this.database = database;
        this.queries = queries;
        this.config = config;
        this.run = run;
        this.gate = gate;
        this.policy = policy;
        this.table = table;
        this.left = maxRows;
        Duration target = config.targetDuration();
        this.rowSize = new BatchSize(FIRST_ROWS, config.minRows(), config.maxRows(), target);
        this.pageSize = new BatchSize(FIRST_PAGES, 1, config.maxRows() / ROWS_PER_PAGE, target);
    }

    /** How many more rows may go in this run. */
    long left() {
        return left;
    }

    /** Deletes what lies below the bound: from the cursor on, then what lies behind it, then what was locked. */
    void expire(String bound, @Nullable String cursor) {
        expired = Where.below(table, bound);
        if (table.indexed()) {
            walk(cursor, bound, true);
            if (cursor != null) {
                again.add(() -> walk(null, cursor, false));
            }
        } else {
            walkPages(expired, 0, table.pages());
        }
        passingOver = true;
        try {
            List.copyOf(again).forEach(Runnable::run);
        } catch (DatabaseException e) {
            if (!e.isCancelled()) {
                throw e;
            }
            run.problem("policy " + policy.name() + ": looking for rows behind the cursor takes too long; vacuum "
                    + table.table().plain());
        }
        if (!kept.isEmpty()) {
            database.inTransaction(session -> kept.tell(run, policy, table, session));
        }
    }

    /** Along the index. */
    private void walk(@Nullable String from, String until, boolean saves) {
        String start = from;
        boolean inclusive = true;
        while (left > 0) {
            String at = start;
            Where lower = Where.from(table, at, inclusive);
            // The cursor may lie above the bound: when the retention was raised, or the day lies in the past.
            Where all = lower.and(Where.below(table, until)).and(expired);
            Batch batch = attempt(
                    rowSize, (session, size) -> range(session, lower, all, Math.min(size, left), saves ? until : null));
            if (batch.first() == null) {
                finish(saves, until);
                return;
            } else if (batch.tie()) {
                walkTie(batch.first());
                start = batch.first();
                inclusive = false;
                continue;
            }
            String next = batch.next() == null ? until : batch.next();
            look(batch, () -> walk(at, next, false));
            if (batch.next() == null) {
                return;
            }
            start = next;
            inclusive = true;
        }
    }

    private Batch range(Session session, Where lower, Where all, long size, @Nullable String end) {
        Keys keys = queries.keys(session, table, all, size);
        if (keys.first() == null || keys.first().equals(keys.next())) {
            return new Batch(keys.first(), keys.next(), keys.first() != null, 0, Left.NOTHING, false);
        }
        Where where = keys.next() == null ? all : lower.and(Where.below(table, keys.next()));
        String reached = end == null || keys.next() == null ? end : keys.next();
        return delete(session, where, where, Math.min(size, keys.rows()), reached, keys);
    }

    /** More rows of one value than fit a batch, as of a day: page by page. */
    private void walkTie(String value) {
        Where at = Where.at(table, value);
        EventQueries.Pages pages = pagesOf(at);
        walkPages(at, pages.from(), pages.until());
    }

    /** All pages, if it takes too long to find out which. */
    private EventQueries.Pages pagesOf(Where at) {
        try {
            return database.transaction(
                    settings(database.defaults().statementTimeout(LONGEST)),
                    run.cancellation(),
                    session -> queries.pagesOf(session, table, at));
        } catch (DatabaseException e) {
            if (!e.isCancelled()) {
                throw e;
            }
            return new EventQueries.Pages(0, table.pages());
        }
    }

    /** Along the table. */
    private void walkPages(Where value, long from, long until) {
        for (long page = from; page < until && left > 0; ) {
            long at = page;
            long[] reached = new long[1];
            Batch batch = attempt(pageSize, (session, pages) -> {
                reached[0] = Math.min(until, at + pages);
                Where where = Where.pages(at, reached[0]).and(value);
                return delete(session, where, value, left, null, new Keys("", "", 0));
            });
            look(batch, () -> walkPages(value, at, reached[0]));
            page = reached[0];
        }
    }

    private Batch delete(Session session, Where where, Where value, long limit, @Nullable String cursor, Keys keys) {
        if (run.request().dryRun()) {
            if (!told) {
                queries.tell(run, table, where);
                told = true;
            }
            long rows = keys.rows() == 0 ? queries.countRows(session, table, where) : limit;
            return new Batch(keys.first(), keys.next(), false, rows, Left.NOTHING, false);
        }
        boolean bounded = passingOver || (keys.rows() == 0 && left < Long.MAX_VALUE);
        long rows = 0;
        if (!leavingAlone) {
            rows = bounded
                    ? queries.deleteUnlocked(session, table, where, value, limit)
                    : queries.delete(session, table, where);
        }
        // As many as were meant, or as the row cap allows: what lies beyond the cap is not kept by anything.
        boolean whole = rows >= limit;
        Left rest = whole || leavingAlone ? Left.NOTHING : queries.left(session, table, where);
        boolean holdsUp = queries.endBatch(session, policy, cursor, rows);
        return new Batch(keys.first(), keys.next(), false, rows, rest, holdsUp);
    }

    /** Runs a batch until it succeeds: smaller when it takes too long, passing over rows when some are locked. */
    private Batch attempt(BatchSize size, BiFunction<Session, Long, Batch> work) {
        boolean before = passingOver;
        try {
            for (int locked = 0; ; ) {
                try {
                    return measured(size, work);
                } catch (DatabaseException e) {
                    if (e.isLockTimeout() && !passingOver) {
                        passingOver = true;
                    } else if (e.isLockTimeout() && ++locked < LOCK_ATTEMPTS) {
                        gate.yieldTo(WaitCause.LOCK);
                    } else if (e.isCancelled() && !size.isLeast()) {
                        size.halve();
                        run.counts().add("timeouts", 1);
                    } else if (e.isConstraintViolation() && !size.isLeast()) {
                        size.halve();
                    } else if (e.isConstraintViolation() && !leavingAlone) {
                        leavingAlone = true;
                        run.counts().add("batches_refused", 1);
                        run.problem("policy " + policy.name() + ": a batch of the least size is left alone: "
                                + e.getMessage());
                    } else {
                        throw e;
                    }
                }
            }
        } finally {
            passingOver = before;
            leavingAlone = false;
        }
    }

    private Batch measured(BatchSize size, BiFunction<Session, Long, Batch> work) {
        long start = System.nanoTime();
        long amount = size.get();
        Settings settings = size.isLeast()
                ? database.defaults().statementTimeout(LONGEST)
                : database.defaults().statementTimeout(config.targetDuration().multipliedBy(TIMEOUT_FACTOR));
        Batch batch = Retry.DEFAULT.run(
                run.cancellation(),
                e -> e.isTransient() && !e.isLockTimeout(),
                () -> database.transaction(
                        run.settings(settings(settings)), run.cancellation(), session -> work.apply(session, amount)));
        if (batch.first() != null && !batch.tie()) {
            done(batch, size, Duration.ofNanos(System.nanoTime() - start));
        }
        return batch;
    }

    private Settings settings(Settings bounds) {
        // Row security of the table itself was refused before; that of tables which its triggers read is theirs.
        Settings settings = bounds.lockTimeout(LOCK_TIMEOUT).with("row_security", "on");
        // Half the table expired may look like a reason to read all of it, for every batch.
        return table.indexed() ? settings.with("enable_seqscan", "off") : settings;
    }

    private void done(Batch batch, BatchSize size, Duration took) {
        boolean dryRun = run.request().dryRun();
        run.counts().add(dryRun ? "eligible" : "expired", batch.rows());
        run.counts().add("batches", dryRun ? 0 : 1);
        if (left < Long.MAX_VALUE) {
            left -= batch.rows();
        }
        LOG.debugf("run=%d policy=%s batch rows=%d took=%s", run.runId(), policy.name(), batch.rows(), took);
        size.adapt(took);
        if (batch.holdsUp()) {
            size.halve();
            gate.yieldTo(WaitCause.WAITERS);
        }
        if (!dryRun) {
            gate.pass(batch.rows(), took);
            pause(batch.rows());
        }
    }

    /** Shorter after a batch that found little. */
    private void pause(long rows) {
        long longest = config.maxPause().toMillis() * Math.min(rows, config.maxRows()) / config.maxRows();
        run.cancellation().sleep(Duration.ofMillis(ThreadLocalRandom.current().nextLong(longest + 1)));
    }

    /** Remembers a place where rows were locked; at the second look they are left for the next run. */
    private void look(Batch batch, Runnable placeAgain) {
        if (!counted) {
            kept.add(batch.rest().kept());
        }
        if (batch.rest().locked() == 0) {
            return;
        }
        if (passingOver) {
            run.counts().add("locked", batch.rest().locked());
        } else if (again.size() < MAX_AGAIN) {
            again.add(() -> {
                counted = true;
                placeAgain.run();
                counted = false;
            });
        }
    }

    private void finish(boolean saves, String cursor) {
        if (saves && !run.request().dryRun()) {
            run.inTransaction(database, session -> queries.saveCursor(session, policy, cursor));
        }
    }
}
