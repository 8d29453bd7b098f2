package dev.segdiff.server.cache;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An answer of the database that many probes share. However many probes ask, only one question at a time goes to the
 * database, so probes cannot load the database. No caller waits for longer than a limit, the patience, so a slow
 * database cannot hold up the probes.
 */
public final class CachedAnswer<T> {
    /** The source has not answered in time. */
    public static final class SlowException extends RuntimeException {
        private static final long serialVersionUID = 1;

        public SlowException(Duration patience) {
            super("the database did not answer within " + patience.toSeconds() + " s");
        }
    }

    private record Answer<T>(T value, long at) {}

    /** A question to the source, when it was asked, and its answer, which may not be there yet. */
    private record Asked<T>(CompletableFuture<Answer<T>> future, long at) {}

    private final Supplier<T> source;
    private final Duration maxAge;
    private final Duration patience;
    private final Duration tolerance;
    private final Executor executor;

    private @Nullable Asked<T> asked;
    private volatile @Nullable Answer<T> last;

    /**
     * @param maxAge the age from which on an answer is asked for again
     * @param patience how long a caller waits for an answer, counted from the question that it shares
     * @param tolerance the age up to which an old answer is given if the new one is late
     */
    public CachedAnswer(Supplier<T> source, Duration maxAge, Duration patience, Duration tolerance, Executor executor) {
        this.source = source;
        this.maxAge = maxAge;
        this.patience = patience;
        this.tolerance = tolerance;
        this.executor = executor;
    }

    /**
     * Asks the source if that is due, and does not wait for the answer. A caller who needs several answers first begins
     * all of them, and then waits no longer than for one.
     *
     * @return a supplier that waits and returns the answer, or throws what {@link #get} throws
     */
    public Supplier<T> begin() {
        Answer<T> present = last;
        if (present != null && age(present) <= maxAge.toNanos()) {
            return present::value;
        }
        Asked<T> question = ask();
        return () -> await(question);
    }

    /**
     * The answer.
     *
     * @throws SlowException if the answer is late and there is no old answer within the tolerance
     */
    T get() {
        return begin().get();
    }

    /**
     * Forgets a failure, or a question without an answer, because the cause of both is gone. The next caller asks the
     * source again.
     */
    public synchronized void askAgain() {
        asked = null;
    }

    private T await(Asked<T> question) {
        try {
            long left = question.at() + patience.toNanos() - System.nanoTime();
            return question.future()
                    .get(Math.max(0, left), TimeUnit.NANOSECONDS)
                    .value();
        } catch (TimeoutException e) {
            Answer<T> present = last;
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

    private synchronized Asked<T> ask() {
        Asked<T> present = asked;
        // A failure is an answer, too: a caller who comes right after it does not ask again.
        if (present != null && (!present.future().isDone() || System.nanoTime() - present.at() <= maxAge.toNanos())) {
            return present;
        }
        Asked<T> question = new Asked<>(
                CompletableFuture.supplyAsync(
                        () -> {
                            Answer<T> answer = new Answer<>(source.get(), System.nanoTime());
                            last = answer;
                            return answer;
                        },
                        executor),
                System.nanoTime());
        asked = question;
        return question;
    }

    private static long age(Answer<?> answer) {
        return System.nanoTime() - answer.at();
    }
}
