package dev.segdiff.server;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An answer of the database for many askers. It is asked for once at a time, however many want to know, and nobody waits
 * longer than the patience: probes cannot load the database, and a slow database cannot hold them.
 */
final class Recent<T> {
    /** The source did not answer in time. */
    static final class SlowException extends RuntimeException {
        private static final long serialVersionUID = 1;

        SlowException(Duration patience) {
            super("the database did not answer within " + patience.toSeconds() + " s");
        }
    }

    private record Answer<T>(T value, long at) {}

    private final Supplier<T> source;
    private final Duration maxAge;
    private final Duration patience;
    private final Duration tolerance;
    private final Executor executor;

    private @Nullable CompletableFuture<Answer<T>> asking;
    private volatile long askedAt;
    private volatile @Nullable Answer<T> last;

    /**
     * @param maxAge an older answer is asked for anew
     * @param tolerance an older answer is not given even when the new one is late
     */
    Recent(Supplier<T> source, Duration maxAge, Duration patience, Duration tolerance, Executor executor) {
        this.source = source;
        this.maxAge = maxAge;
        this.patience = patience;
        this.tolerance = tolerance;
        this.executor = executor;
    }

    /** Asks, if that is due, and does not wait: who wants several answers begins with all of them. */
    void begin() {
        if (fresh().isEmpty()) {
            ask();
        }
    }

    /**
     * The answer. A failure is one for those who wait for it; whoever comes later asks again.
     *
     * @throws SlowException if it is late, and no tolerable one is there
     */
    T get() {
        Optional<Answer<T>> fresh = fresh();
        if (fresh.isPresent()) {
            return fresh.get().value();
        }
        Answer<T> present = last;
        CompletableFuture<Answer<T>> future = ask();
        try {
            return future.get(Math.max(0, askedAt + patience.toNanos() - System.nanoTime()), TimeUnit.NANOSECONDS)
                    .value();
        } catch (TimeoutException e) {
            if (present != null && age(present) <= tolerance.toNanos()) {
                return present.value();
            }
            throw new SlowException(patience);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException failure ? failure : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SlowException(patience);
        }
    }

    private synchronized CompletableFuture<Answer<T>> ask() {
        CompletableFuture<Answer<T>> present = asking;
        if (present == null || present.isDone()) {
            askedAt = System.nanoTime();
            present = CompletableFuture.supplyAsync(
                    () -> {
                        Answer<T> answer = new Answer<>(source.get(), System.nanoTime());
                        last = answer;
                        return answer;
                    },
                    executor);
            asking = present;
        }
        return present;
    }

    private Optional<Answer<T>> fresh() {
        return Optional.ofNullable(last).filter(answer -> age(answer) <= maxAge.toNanos());
    }

    private static long age(Answer<?> answer) {
        return System.nanoTime() - answer.at();
    }
}
