package dev.segdiff.db;

import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
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

    /**
     * What a role or a database could have set otherwise ({@code alter role ... set}), with the values that all SQL here
     * is written for: how text is read and written, what a name means, who is silently left out, which plans there are.
     * What needs a superuser, such as {@code lc_messages}, is not set: nothing here reads a message, only its SQLSTATE.
     * {@code idle_session_timeout} is for what is between transactions: see {@link Database#transaction}.
     */
    private static final Map<String, String> NEUTRAL = neutral();

    /**
     * We are never idle in a transaction. If the network has swallowed us, PostgreSQL gives back what we have locked after
     * this long, and not when it takes notice that nobody is there, hours later.
     */
    private static final String IDLE = "idle_in_transaction_session_timeout";

    /** Of a session of our own, which outlives its transactions. */
    private static final Map<String, String> NEUTRAL_SESSION = Map.of(
            "default_transaction_read_only", "off",
            "default_transaction_isolation", "read committed",
            "idle_session_timeout", "0");

    /**
     * PostgreSQL's own operators and functions first, whatever the path of the role has; what follows is for the triggers
     * of other people's tables. Only functions by their full name, as until then any operator may be somebody else's.
     */
    private static final String SEARCH_PATH = """
            pg_catalog.set_config('search_path', pg_catalog.regexp_replace(pg_catalog.concat('pg_catalog, ', \
            pg_catalog.current_setting('search_path')), ', *$', ''), %s)""";

    /** With replica, neither foreign keys nor the audit would see a change; only a superuser may set it. */
    private static final String REPLICATION_ROLE = """
            case pg_catalog.current_setting('session_replication_role') when 'origin' then null \
            else pg_catalog.set_config('session_replication_role', 'origin', %s) end""";

    private static Map<String, String> neutral() {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("standard_conforming_strings", "on");
        values.put("DateStyle", "ISO, YMD");
        values.put("IntervalStyle", "postgres");
        values.put("TimeZone", "UTC");
        values.put("bytea_output", "hex");
        values.put("extra_float_digits", "1");
        values.put("array_nulls", "on");
        values.put("quote_all_identifiers", "off");
        values.put("transform_null_equals", "off");
        values.put("row_security", "off");
        values.put(IDLE, "10s");
        values.put("plan_cache_mode", "auto");
        // Compiling takes longer than it saves: a query of the catalog of 0.05 s took up to 16 s.
        values.put("jit", "off");
        for (String plan : List.of(
                "bitmapscan",
                "hashagg",
                "hashjoin",
                "indexonlyscan",
                "indexscan",
                "material",
                "memoize",
                "mergejoin",
                "nestloop",
                "parallel_append",
                "parallel_hash",
                "partition_pruning",
                "seqscan",
                "sort",
                "tidscan")) {
            values.put("enable_" + plan, "on");
        }
        return values;
    }

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

    /** Ends a transaction that hears nothing of us for this long; zero: never. */
    public Settings idleTimeout(Duration longest) {
        return with(IDLE, longest.toMillis() + "ms");
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

    /** No bounds in time: for migrations, which may wait. */
    static Settings unbounded() {
        return bounded(Duration.ZERO, Duration.ZERO).idleTimeout(Duration.ZERO);
    }

    /** The statements that come first in a transaction. */
    String sql(Server server) {
        String settings = "set transaction isolation level read committed"
                + (server.readsOnlyByDefault() ? ", read write" : "") + "; " + select(server, true, NEUTRAL);
        return guard == null ? settings : settings + "; " + guard.sql();
    }

    /** The statement that comes first in a session of our own. */
    String sessionSql(Server server) {
        Map<String, String> neutral = new LinkedHashMap<>(NEUTRAL);
        neutral.putAll(NEUTRAL_SESSION);
        return select(server, false, neutral);
    }

    private String select(Server server, boolean local, Map<String, String> neutral) {
        Map<String, String> constants = new LinkedHashMap<>(neutral);
        if (server.version() >= 17) {
            constants.put("transaction_timeout", "0");
        }
        constants.keySet().removeAll(values.keySet());
        Stream<String> fixed = constants.entrySet().stream()
                .map(e -> "pg_catalog.set_config('%s', '%s', %s)".formatted(e.getKey(), e.getValue(), local));
        Stream<String> given = values.keySet().stream().map(name -> "pg_catalog.set_config(?, ?, " + local + ")");
        return Stream.of(Stream.of(SEARCH_PATH.formatted(local), REPLICATION_ROLE.formatted(local)), fixed, given)
                .flatMap(each -> each)
                .collect(Collectors.joining(", ", "select ", ""));
    }

    Object[] binds() {
        Stream<Object> settings = values.entrySet().stream().flatMap(e -> Stream.of(e.getKey(), e.getValue()));
        return Stream.concat(settings, guard == null ? Stream.of() : Arrays.stream(guard.binds()))
                .toArray();
    }

    static @Nullable Object[] concat(Object[] first, @Nullable Object[] second) {
        @Nullable Object[] all = Arrays.copyOf(first, first.length + second.length, Object[].class);
        System.arraycopy(second, 0, all, first.length, second.length);
        return all;
    }
}
