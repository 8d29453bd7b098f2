package dev.segdiff.support;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for a fact, not for a time. */
public final class Await {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration POLL = Duration.ofMillis(5);

    private Await() {}

    public static void until(String fact, BooleanSupplier holds) {
        untilWithin(PATIENCE, fact, holds);
    }

    public static void untilWithin(Duration patience, String fact, BooleanSupplier holds) {
        long deadline = System.nanoTime() + patience.toNanos();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within " + patience.toSeconds() + " s: " + fact);
            }
            LockSupport.parkNanos(POLL.toNanos());
        }
    }
}
