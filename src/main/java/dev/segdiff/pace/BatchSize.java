package dev.segdiff.pace;

import java.time.Duration;

/** How many rows, or pages, the next batch takes: as many as fit the target duration, judged by the last one. */
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

    /** One batch never more than doubles or halves it: a single slow moment says little. */
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
