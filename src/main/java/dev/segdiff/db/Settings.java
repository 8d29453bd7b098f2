package dev.segdiff.db;

import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * PostgreSQL settings that hold for one transaction. They are set inside it ({@code set local}), so that they work
 * behind a transaction pooler and leave nothing behind.
 */
public final class Settings {
    private final Map<String, String> values;

    private Settings(Map<String, String> values) {
        this.values = values;
    }

    /** Every statement is bounded, and so is every wait for a lock. */
    public static Settings bounded(Duration statementTimeout, Duration lockTimeout) {
        return new Settings(Map.of())
                .with("statement_timeout", statementTimeout.toMillis() + "ms")
                .with("lock_timeout", lockTimeout.toMillis() + "ms");
    }

    public Settings with(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(values);
        more.put(name, value);
        return new Settings(more);
    }

    String sql() {
        return values.keySet().stream()
                .map(name -> "set_config(?, ?, true)")
                .collect(Collectors.joining(", ", "select ", ""));
    }

    static @Nullable Object[] concat(Object[] first, @Nullable Object[] second) {
        @Nullable Object[] all = Arrays.copyOf(first, first.length + second.length, Object[].class);
        System.arraycopy(second, 0, all, first.length, second.length);
        return all;
    }

    Object[] binds() {
        return values.entrySet().stream()
                .flatMap(e -> java.util.stream.Stream.of(e.getKey(), e.getValue()))
                .toArray();
    }
}
