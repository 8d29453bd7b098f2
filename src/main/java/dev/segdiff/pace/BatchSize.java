package dev.segdiff.pace;

import java.time.Duration;

/**
 * The number of rows, or pages, of the next batch. After a batch that took half of the target duration, the next batch
 * has twice as many rows, and the other way round. Example: the target is 250 ms and a batch of 1,000 rows took 125 ms,
 * so the next batch has 2,000 rows.
 */
public final class BatchSize {
    private final long min;
    private final long max;
    private final Duration target;
    private long size;

    public BatchSize(long first, long min, long max, Duration target) {
        this.min = min;
        this.max = Math.max(min, max);
        this.target = target;
        this.size = Math.max(min, Math.min(this.max, first));
    }

    public long get() {
        return size;
    }

    public boolean isLeast() {
        return size == min;
    }

    /** Adapts the size after a batch. The size at most doubles or halves, because a single slow batch says little. */
    public void adapt(Duration took) {
        double ratio = (double) target.toNanos() / Math.max(1, took.toNanos());
        resize(size * Math.max(0.5, Math.min(2, ratio)));
    }

    public void halve() {
        resize(size / 2.0);
    }

    private void resize(double wanted) {
        size = Math.max(min, Math.min(max, Math.round(wanted)));
    }
}
