package dev.segdiff.run;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What a run has counted so far, by name, such as "expired". The workers of the run count, and other threads may read
 * meanwhile.
 */
public final class Counts {
    private final Map<String, Long> values = new ConcurrentHashMap<>();

    /** Adds to a count. An amount of 0 adds no entry, so what has not happened is not listed. */
    public void add(String name, long amount) {
        if (amount == 0) {
            return;
        }
        values.merge(name, amount, Long::sum);
    }

    public long get(String name) {
        return values.getOrDefault(name, 0L);
    }

    public Map<String, Long> snapshot() {
        return new TreeMap<>(values);
    }
}
