package dev.segdiff.event;

import dev.segdiff.db.Session;
import dev.segdiff.table.TimeKey;
import dev.segdiff.table.TimedTable;
import dev.segdiff.table.Where;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The second of two guards before anything expires. The first guard is the bound that {@link TimeKey} computes from the
 * retention and the day. This second guard is computed by the database, from the value of the row or of the partition
 * and from the database's own clock. A row is deleted only if both guards agree, so a mistake in one of them deletes
 * nothing.
 */
record RetentionGuard(TimedTable table, Duration retention) {
    private static final String CLOCK = "now()";

    /**
     * The hour of local time that comes twice when clocks go back. PostgreSQL may take a time in this hour for the
     * first of the two hours and Java for the second, or the other way round. So a row counts as an objection only if
     * the row is too young by more than this hour.
     */
    private static final String REPEATED_HOUR = "interval '1 hour'";

    private record Youngest(String value, boolean expired) {}

    /** The condition that a row of the table is older than its retention. */
    Where rows() {
        return rows(CLOCK);
    }

    /** @param clock the SQL expression of the present time; the binds are the same for every clock */
    Where rows(String clock) {
        String column = table.column().toString();
        String horizon = horizon(clock);
        return condition(
                switch (table.key().kind()) {
                    // A date has passed when the next date begins.
                    case DATE -> start("(" + column + " + 1)") + " <= " + horizon;
                    default -> start(column) + " < " + horizon;
                });
    }

    /** The condition that a partition which ends before this value holds no row younger than the retention. */
    Where ended(String upper) {
        return ended(upper, CLOCK);
    }

    Where ended(String upper, String clock) {
        String end = start("cast(" + upper + " as " + table.type() + ")");
        return condition("coalesce(" + end + " <= " + horizon(clock) + ", false)");
    }

    /**
     * Why rows below this bound must not be deleted, with the values of both guards; empty if the database agrees with
     * the bound.
     *
     * @throws dev.segdiff.db.DatabaseException if the query takes too long
     */
    Optional<String> objection(Session session, String bound) {
        Optional<String> wrong = session.first(
                "select cast(%1$s as text) from (select cast(? as %2$s) as bound) b where not (%3$s)"
                        .formatted(horizon(CLOCK), table.type(), boundFits()),
                row -> row.getString(1),
                retention.toSeconds(),
                bound,
                retention.toSeconds());
        if (wrong.isPresent()) {
            return Optional.of("the bound %s lies after now() - retention, which is %s on the database's clock"
                    .formatted(bound, wrong.get()));
        }
        return table.indexed() ? youngest(session, bound) : Optional.empty();
    }

    private Optional<String> youngest(Session session, String bound) {
        Where below = Where.below(table, bound);
        Where expired = rows("(now() + " + REPEATED_HOUR + ")");
        List<Object> binds = new ArrayList<>(expired.binds());
        binds.addAll(below.binds());
        return session.first(
                        "select %1$s::text, coalesce(%2$s, false) from %3$s where %4$s order by %1$s desc limit 1"
                                .formatted(table.column(), expired.sql(), table.table(), below.sql()),
                        row -> new Youngest(row.getString(1), row.getBoolean(2)),
                        binds.toArray())
                .filter(youngest -> !youngest.expired())
                .map(youngest -> "a row of %s lies below the bound %s and is younger than the retention of %s"
                        .formatted(youngest.value(), bound, retention));
    }

    private String boundFits() {
        String horizon = horizon(CLOCK);
        String local = "(" + horizon + ") at time zone '" + table.key().zone().getId() + "'";
        return switch (table.key().kind()) {
            case TIMESTAMPTZ -> "bound <= " + horizon;
            case TIMESTAMP -> "bound <= " + local;
            case DATE -> "bound <= (" + local + ")::date";
            // The smallest id stands for all times before 1970.
            case UUID, UUID_TEXT, ULID -> start("bound") + " <= greatest(" + horizon + ", timestamptz 'epoch')";
        };
    }

    /**
     * The SQL of the instant that a value stands for. A local time that comes twice stands for the later of its two
     * instants.
     */
    private String start(String value) {
        String zone = "'" + table.key().zone().getId() + "'";
        return switch (table.key().kind()) {
            case TIMESTAMPTZ -> value;
            case TIMESTAMP -> "(" + value + " at time zone " + zone + ")";
            case DATE -> "(" + value + "::timestamp at time zone " + zone + ")";
            case UUID, UUID_TEXT -> "segdiff.uuid_time(" + value + "::text)";
            case ULID -> "segdiff.ulid_time(" + value + "::text)";
        };
    }

    private static String horizon(String clock) {
        return clock + " - make_interval(secs => ?)";
    }

    private Where condition(String sql) {
        return Where.of(sql, retention.toSeconds());
    }
}
