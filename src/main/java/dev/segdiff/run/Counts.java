package dev.segdiff.run;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/** How much a run has done so far, by name; workers count, others look. */
public final class Counts {
    private final Map<String, Long> values = new ConcurrentHashMap<>();

    /** What has not happened is not listed. */
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
