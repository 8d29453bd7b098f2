package dev.segdiff.db;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Tries work again after a failure. The wait doubles with each attempt and has a random part (exponential backoff with
 * jitter), so workers that failed at the same time do not try again at the same time. All retries of segdiff are made
 * here.
 *
 * @param attempts the largest number of attempts, the first one included
 * @param firstWait the longest wait before the second attempt; it doubles with each further attempt
 */
public record Retry(int attempts, Duration firstWait) {
    /**
     * The usual retry: five attempts, which wait 0.1 + 0.2 + 0.4 + 0.8 = 1.5 s at most. This is longer than a failover
     * of a pooler, and short enough for a person who waits.
     */
    public static final Retry DEFAULT = new Retry(5, Duration.ofMillis(100));

    /**
     * Whether a failure is worth another attempt at once. A lock timeout is not: the session that holds the lock will
     * most likely hold it for longer than all attempts together.
     */
    public static boolean exceptForLocks(DatabaseException failure) {
        return failure.isTransient() && !failure.isLockTimeout();
    }

    /** Runs the work until it succeeds. A failure that is not retryable, or that of the last attempt, is thrown. */
    public <T> T run(Cancellation cancellation, Predicate<DatabaseException> retryable, Supplier<T> work) {
        long wait = firstWait.toMillis();
        for (int attempt = 1; ; attempt++) {
            try {
                return work.get();
            } catch (DatabaseException e) {
                if (attempt == attempts || !retryable.test(e)) {
                    throw e;
                }
                long jittered = wait / 2 + ThreadLocalRandom.current().nextLong(wait / 2 + 1);
                cancellation.sleep(Duration.ofMillis(jittered));
                wait *= 2;
            }
        }
    }
}
