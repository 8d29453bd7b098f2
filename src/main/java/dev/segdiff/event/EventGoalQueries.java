package dev.segdiff.event;

import dev.segdiff.db.Session;
import dev.segdiff.table.TimedTable;
import dev.segdiff.table.Where;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The SQL of the goal. A statement reads a few pages, or more if the index begins with many dead rows. */
@ApplicationScoped
class EventGoalQueries {
    private static final Pattern PLAN_ROWS = Pattern.compile("\"Plan Rows\": (\\d+)");

    /** The smallest value of an expired row; empty if no row has expired. */
    Optional<String> oldest(Session session, PolicyTable target) {
        TimedTable table = target.table();
        Where expired = target.expired();
        return session.first(
                "select %1$s::text from %2$s where %3$s order by %1$s limit 1"
                        .formatted(table.column(), table.table(), expired.sql()),
                row -> row.getString(1),
                expired.binds().toArray());
    }

    /**
     * The planner's estimate of how many rows lie between two values. A value that is null sets no limit on its side.
     */
    long estimate(Session session, TimedTable table, @Nullable String from, @Nullable String until) {
        Where lower = Where.from(table, from, true);
        Where between = until == null ? lower : lower.and(Where.below(table, until));
        String plan = session.one(
                "explain (format json) select from %s where %s".formatted(table.table(), between.sql()),
                row -> row.getString(1),
                between.binds().toArray());
        Matcher rows = PLAN_ROWS.matcher(plan);
        return rows.find() ? Long.parseLong(rows.group(1)) : 0;
    }

    /**
     * How many rows have expired per day, as the average of the last seven days, or of fewer days if the policy is
     * younger.
     */
    long expiredPerDay(Session session, EventPolicy policy) {
        return session.one("""
                select coalesce(
                    sum(expired) / greatest(1, least(7, (now() at time zone 'UTC')::date - min(first) + 1)), 0)
                from (select expired, min(day) over () as first, day from segdiff.event_days where policy = ?) d
                where day > (now() at time zone 'UTC')::date - 7
                """, row -> row.getLong(1), policy.name());
    }
}
