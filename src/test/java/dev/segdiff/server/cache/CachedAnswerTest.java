package dev.segdiff.server.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CachedAnswerTest {
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicInteger asked = new AtomicInteger();

    @AfterEach
    void stop() {
        threads.shutdownNow();
    }

    private <T> CachedAnswer<T> recent(Supplier<T> source, Duration maxAge, Duration patience, Duration tolerance) {
        return new CachedAnswer<>(
                () -> {
                    asked.incrementAndGet();
                    return source.get();
                },
                maxAge,
                patience,
                tolerance,
                threads);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void twoHundredAskersAskTheSourceOnce() throws InterruptedException, ExecutionException {
        CountDownLatch goOn = new CountDownLatch(1);
        CachedAnswer<String> recent = recent(
                () -> {
                    await(goOn);
                    return "well";
                },
                Duration.ofMinutes(1),
                Duration.ofMinutes(1),
                Duration.ZERO);
        List<Future<String>> answers = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            answers.add(threads.submit(recent::get));
        }
        goOn.countDown();
        for (Future<String> answer : answers) {
            assertThat(answer.get()).isEqualTo("well");
        }

        assertThat(asked).hasValue(1);
    }

    @Test
    void oldAnswerIsAskedForAnew() {
        CachedAnswer<Integer> recent = recent(asked::get, Duration.ZERO, Duration.ofMinutes(1), Duration.ZERO);

        assertThat(recent.get()).isEqualTo(1);
        assertThat(recent.get()).isEqualTo(2);
    }

    @Test
    void slowSourceHoldsNobodyAndIsNotAskedAgainMeanwhile() {
        CountDownLatch never = new CountDownLatch(1);
        CachedAnswer<String> recent = recent(
                () -> {
                    await(never);
                    return "late";
                },
                Duration.ZERO,
                Duration.ofMillis(20),
                Duration.ZERO);
        long start = System.nanoTime();
        for (int i = 0; i < 100; i++) {
            assertThatThrownBy(recent::get).isInstanceOf(CachedAnswer.SlowException.class);
        }

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(2));
        assertThat(asked).hasValue(1);
    }

    @Test
    void lastAnswerIsGivenWhileTheNewOneIsLate() {
        CountDownLatch never = new CountDownLatch(1);
        CachedAnswer<String> recent = recent(
                () -> {
                    if (asked.get() > 1) {
                        await(never);
                    }
                    return "before";
                },
                Duration.ZERO,
                Duration.ofMillis(20),
                Duration.ofMinutes(1));
        recent.get();

        assertThat(recent.get()).isEqualTo("before");
        assertThat(asked).hasValue(2);
    }

    @Test
    void failureIsAnAnswerTooUntilItIsToBeAskedAgain() {
        CachedAnswer<String> recent = recent(
                () -> {
                    if (asked.get() == 1) {
                        throw new IllegalStateException("broken");
                    }
                    return "well";
                },
                Duration.ofMinutes(1),
                Duration.ofMinutes(1),
                Duration.ZERO);

        assertThatThrownBy(recent::get).hasMessage("broken");
        assertThatThrownBy(recent::get).hasMessage("broken");
        assertThat(asked).hasValue(1);

        recent.askAgain();
        assertThat(recent.get()).isEqualTo("well");
    }

    @Test
    void severalThatAreLateTakeNoLongerThanOne() {
        CountDownLatch never = new CountDownLatch(1);
        Duration patience = Duration.ofMillis(300);
        List<CachedAnswer<String>> all = Stream.generate(() -> recent(
                        () -> {
                            await(never);
                            return "late";
                        },
                        Duration.ZERO,
                        patience,
                        Duration.ZERO))
                .limit(5)
                .toList();

        long start = System.nanoTime();
        List<Supplier<String>> answers = all.stream().map(CachedAnswer::begin).toList();
        answers.forEach(answer -> assertThatThrownBy(answer::get).isInstanceOf(CachedAnswer.SlowException.class));

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isBetween(patience, patience.multipliedBy(2));
    }
}
