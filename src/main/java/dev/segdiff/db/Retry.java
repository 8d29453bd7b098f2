package dev.segdiff.db;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * The one place that tries again, with exponential backoff and jitter, so that workers that failed together do not
 * return together.
 *
 * @param attempts how often at most, the first one included
 * @param firstWait the longest wait before the second attempt; it doubles from there
 */
public record Retry(int attempts, Duration firstWait) {
    /** Waits at most 0.1 + 0.2 + 0.4 + 0.8 s in all: longer than a failover of a pooler, shorter than anybody's patience. */
    public static final Retry DEFAULT = new Retry(5, Duration.ofMillis(100));

    /** Runs the work until it succeeds, fails for good, or the attempts are used up: then its last failure is thrown. */
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
