package dev.segdiff.server.access;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Limits the rate of requests for each of many keys, such as addresses, with a token bucket for each key. If there are
 * too many keys, those that have not asked for the longest time are forgotten.
 */
final class RateLimit {
    private static final int MAX_KEYS = 10_000;
    private static final double NANOS = 1e9;

    private static final class Bucket {
        double tokens;
        long filledAt;
    }

    private final double perSecond;
    private final double burst;
    private final LongSupplier nanoTime;
    private final Map<String, Bucket> buckets = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
            return size() > MAX_KEYS;
        }
    };

    /** @param burst how many requests may come at once after a quiet time */
    RateLimit(double perSecond, double burst, LongSupplier nanoTime) {
        this.perSecond = perSecond;
        this.burst = burst;
        this.nanoTime = nanoTime;
    }

    synchronized boolean allows(String key) {
        long now = nanoTime.getAsLong();
        Bucket bucket = buckets.computeIfAbsent(key, anybody -> {
            Bucket fresh = new Bucket();
            fresh.tokens = burst;
            fresh.filledAt = now;
            return fresh;
        });
        bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.filledAt) / NANOS * perSecond);
        bucket.filledAt = now;
        if (bucket.tokens < 1) {
            return false;
        }
        bucket.tokens--;
        return true;
    }
}
