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
 * The settings of one transaction: settings of PostgreSQL, and a statement that must succeed before anything else. The
 * settings are made inside the transaction ({@code set local}), so they work behind a transaction pooler and leave
 * nothing behind.
 */
public final class Settings {
    /** A statement that raises an error if the transaction must not go on. */
    private record Guard(String sql, Object... binds) {}

    /**
     * The settings that a role or a database may have changed ({@code alter role ... set}), with the values that all
     * SQL here is written for. They decide how text is read and written, what a name means, which rows are left out,
     * and which plans the planner may choose. Settings that need a superuser, such as {@code lc_messages}, are not
     * made; they are not needed, because segdiff reads only the SQLSTATE of an error, and not its message.
     * {@code idle_session_timeout} concerns the time between transactions, see {@link Database#transaction}.
     */
    private static final Map<String, String> NEUTRAL = neutral();

    /**
     * The setting that limits how long a transaction may be idle. segdiff is idle in a transaction only while a slow
     * reader takes a stream, and such a transaction has no limit. If the network between segdiff and PostgreSQL breaks,
     * PostgreSQL releases segdiff's locks after this time, and not hours later, when it notices that the connection is
     * broken.
     */
    private static final String IDLE = "idle_in_transaction_session_timeout";

    /** The additional settings of a session of segdiff's own. */
    private static final Map<String, String> NEUTRAL_SESSION = Map.of(
            "default_transaction_read_only", "off",
            "default_transaction_isolation", "read committed",
            "idle_session_timeout", "0");

    /**
     * The statement that sets the search path. It puts {@code pg_catalog} first, whatever the path of the role is, so
     * that operators and functions are PostgreSQL's own. The rest of the role's path is kept for the triggers of other
     * people's tables. The statement itself uses only functions by their full names, because until then an operator may
     * be somebody else's.
     */
    private static final String SEARCH_PATH = """
            pg_catalog.set_config('search_path', pg_catalog.regexp_replace(pg_catalog.concat('pg_catalog, ', \
            pg_catalog.current_setting('search_path')), ', *$', ''), %s)""";

    /**
     * The statement that sets session_replication_role to origin. With the value replica, neither foreign keys nor the
     * audit would see a change. Only a superuser may change the setting, so it is changed only if it differs.
     */
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
        // Compiling a query takes longer than it saves: a query of the catalog that takes 0.05 s took up to 16 s.
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

    /** Settings with a time limit for each statement and for each wait for a lock. */
    public static Settings bounded(Duration statementTimeout, Duration lockTimeout) {
        return new Settings(Map.of(), null).statementTimeout(statementTimeout).lockTimeout(lockTimeout);
    }

    public Settings statementTimeout(Duration longest) {
        return with("statement_timeout", longest.toMillis() + "ms");
    }

    public Settings lockTimeout(Duration longest) {
        return with("lock_timeout", longest.toMillis() + "ms");
    }

    /** The same settings with at least this limit for the wait for a lock; a longer limit stays. */
    public Settings lockTimeoutAtLeast(Duration wanted) {
        Duration now = millis("lock_timeout");
        return now.isZero() || now.compareTo(wanted) >= 0 ? this : lockTimeout(wanted);
    }

    /** The same settings with this limit for the time that the transaction may be idle; zero: no limit. */
    public Settings idleTimeout(Duration longest) {
        return with(IDLE, longest.toMillis() + "ms");
    }

    public Settings with(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(values);
        more.put(name, value);
        return new Settings(more, guard);
    }

    /**
     * The same settings with a statement at the beginning of the transaction. If the statement raises an error, the
     * transaction ends.
     */
    public Settings guardedBy(String sql, Object... binds) {
        return new Settings(values, new Guard(sql, binds));
    }

    /** How long a statement may take; zero: no limit. */
    Duration statementTimeout() {
        return millis("statement_timeout");
    }

    private Duration millis(String name) {
        return Duration.ofMillis(Long.parseLong(values.getOrDefault(name, "0ms").replace("ms", "")));
    }

    /** Settings without time limits, for migrations, which may wait. */
    static Settings unbounded() {
        return bounded(Duration.ZERO, Duration.ZERO).idleTimeout(Duration.ZERO);
    }

    /** The SQL of the statements at the beginning of a transaction. */
    String sql(Server server) {
        String settings = "set transaction isolation level read committed"
                + (server.readsOnlyByDefault() ? ", read write" : "") + "; " + select(server, true, NEUTRAL);
        return guard == null ? settings : settings + "; " + guard.sql();
    }

    /** The SQL of the first statement in a session of segdiff's own. */
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
