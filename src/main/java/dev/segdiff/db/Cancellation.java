package dev.segdiff.db;

import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Ends a run even in the middle of a statement: no new statement starts, and the running ones are cancelled. */
public final class Cancellation {
    /**
     * How often a cancel is repeated until no statement runs. A cancel that arrives at PostgreSQL before its statement
     * has no effect, so one cancel is not enough.
     */
    private static final long REPEAT_MILLIS = 100;

    private final Set<Statement> running = ConcurrentHashMap.newKeySet();
    private final AtomicReference<@Nullable String> reason = new AtomicReference<>();
    private final CountDownLatch requested = new CountDownLatch(1);
    private volatile boolean cancelling;

    /** Why the run is to end; null while the run may go on. If there are several reasons, the first one stays. */
    public @Nullable String reason() {
        return reason.get();
    }

    public boolean isRequested() {
        return reason.get() != null;
    }

    /** Asks the run to end now. */
    public void request(String why) {
        request(why, Duration.ZERO);
    }

    /**
     * Asks the run to end: no new transaction begins, and those in progress are cancelled after the time {@code grace}.
     */
    public void request(String why, Duration grace) {
        if (reason.compareAndSet(null, why) || (grace.isZero() && !cancelling)) {
            requested.countDown();
            Thread canceller = new Thread(() -> cancelAfter(grace), "segdiff-cancel");
            canceller.setDaemon(true);
            canceller.start();
        }
    }

    /** Waits for this time, and returns false. If the run is to end, it returns true at once. */
    public boolean await(long millis) {
        try {
            return requested.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    /** @throws CancelledException if the run is to end */
    public void check() {
        String why = reason();
        if (why != null) {
            throw new CancelledException(why);
        }
    }

    /**
     * Waits for this time.
     *
     * @throws CancelledException at once if the run is to end
     */
    public void sleep(Duration duration) {
        if (duration.toMillis() > 0 && await(duration.toMillis())) {
            throw new CancelledException(String.valueOf(reason()));
        }
    }

    void enter(Statement statement) {
        running.add(statement);
        if (cancelling) {
            running.remove(statement);
            check();
        }
    }

    void leave(Statement statement) {
        running.remove(statement);
    }

    private void cancelAfter(Duration grace) {
        LockSupport.parkNanos(grace.toNanos());
        cancelling = true;
        while (!running.isEmpty()) {
            for (Statement statement : running) {
                try {
                    statement.cancel();
                } catch (SQLException e) {
                    // The statement or its session has ended meanwhile, so there is nothing left to cancel.
                    running.remove(statement);
                }
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(REPEAT_MILLIS));
        }
    }
}
