package dev.segdiff.db;

import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What holds for one transaction: PostgreSQL settings, set inside it ({@code set local}), so that they work behind a
 * transaction pooler and leave nothing behind; and a statement that it has to pass before anything else.
 */
public final class Settings {
    /** A statement that raises an error if the transaction must not go on. */
    private record Guard(String sql, Object... binds) {}

    private final Map<String, String> values;
    private final @Nullable Guard guard;

    private Settings(Map<String, String> values, @Nullable Guard guard) {
        this.values = values;
        this.guard = guard;
    }

    /** Every statement is bounded, and so is every wait for a lock. */
    public static Settings bounded(Duration statementTimeout, Duration lockTimeout) {
        return new Settings(Map.of(), null).statementTimeout(statementTimeout).lockTimeout(lockTimeout);
    }

    public Settings statementTimeout(Duration longest) {
        return with("statement_timeout", longest.toMillis() + "ms");
    }

    public Settings lockTimeout(Duration longest) {
        return with("lock_timeout", longest.toMillis() + "ms");
    }

    /** Waits at least this long for a lock, or as long as configured if that is longer. */
    public Settings lockTimeoutAtLeast(Duration wanted) {
        Duration now = millis("lock_timeout");
        return now.isZero() || now.compareTo(wanted) >= 0 ? this : lockTimeout(wanted);
    }

    public Settings with(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(values);
        more.put(name, value);
        return new Settings(more, guard);
    }

    /** The transaction begins with this statement, and ends there if it raises an error. */
    public Settings guardedBy(String sql, Object... binds) {
        return new Settings(values, new Guard(sql, binds));
    }

    /** How long a statement may take; zero: for ever. */
    Duration statementTimeout() {
        return millis("statement_timeout");
    }

    private Duration millis(String name) {
        return Duration.ofMillis(Long.parseLong(values.getOrDefault(name, "0ms").replace("ms", "")));
    }

    /** The statements that come first. */
    String sql() {
        String settings = values.keySet().stream()
                .map(name -> "set_config(?, ?, true)")
                .collect(Collectors.joining(", ", "select ", ""));
        return guard == null ? settings : settings + "; " + guard.sql();
    }

    Object[] binds() {
        Stream<Object> settings = values.entrySet().stream().flatMap(e -> Stream.of(e.getKey(), e.getValue()));
        return Stream.concat(settings, guard == null ? Stream.of() : Arrays.stream(guard.binds()))
                .toArray();
    }

    /** Name and value of each setting, for a session without a transaction. */
    Map<String, String> values() {
        return values;
    }

    static @Nullable Object[] concat(Object[] first, @Nullable Object[] second) {
        @Nullable Object[] all = Arrays.copyOf(first, first.length + second.length, Object[].class);
        System.arraycopy(second, 0, all, first.length, second.length);
        return all;
    }
}
