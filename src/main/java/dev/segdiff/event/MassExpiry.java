package dev.segdiff.event;

import dev.segdiff.db.Session;
import dev.segdiff.table.TimedTable;
import dev.segdiff.table.Where;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Holds back a policy that would remove nearly all rows of its table, or the newest row. Probable reasons are a wrong
 * unit in the retention, such as 90h in place of 90d, a clock that is years ahead, or a table that nobody writes to any
 * more. A person looks at the table and lets the policy through once.
 */
@ApplicationScoped
class MassExpiry {
    /** In a table with fewer rows, the share of expired rows says little. */
    private static final long FEW_ROWS = 1000;

    private record Found(boolean any, boolean newestStays, boolean many) {}

    private final EventGoalQueries queries;
    private final PartitionTrash partitions;

    MassExpiry(EventGoalQueries queries, PartitionTrash partitions) {
        this.queries = queries;
        this.partitions = partitions;
    }

    /**
     * Why the policy is held back; empty if it may go on.
     *
     * @throws dev.segdiff.db.DatabaseException if the queries take too long
     */
    Optional<String> objection(Session session, PolicyTable target) {
        EventPolicy policy = target.policy();
        TimedTable table = target.table();
        String bound = target.horizon().value();
        // Partitions that an undo has put back stay although they are old, so there may be nothing to remove.
        if (table.partitioned() && partitions.expired(session, target).isEmpty()) {
            return Optional.empty();
        }
        Found found = look(session, table, bound);
        if (!found.any()) {
            return Optional.empty();
        }
        long total = queries.estimate(session, table, null, null);
        long expired = queries.estimate(session, table, null, bound);
        if (!found.newestStays()) {
            return Optional.of(String.format(
                    Locale.ROOT,
                    "all rows of %s would go (about %,d), the newest one too, of %s",
                    table.table().plain(),
                    total,
                    newest(session, table)));
        }
        boolean share =
                total >= FEW_ROWS && found.many() && expired > policy.maxShare().of(total);
        return share
                ? Optional.of(String.format(
                        Locale.ROOT,
                        "about %,d of %,d rows of %s would go (%.1f%%), more than segdiff.events.%s.max-share (%s)",
                        expired,
                        total,
                        table.table().plain(),
                        100.0 * expired / total,
                        policy.name(),
                        policy.maxShare().percent()))
                : Optional.empty();
    }

    /**
     * Looks at the table itself whether many rows have expired, 500 or more, because the statistics behind the
     * estimates can be old.
     */
    private static Found look(Session session, TimedTable table, String bound) {
        Where below = Where.below(table, bound);
        Where above = Where.from(table, bound, true);
        List<Object> binds = new ArrayList<>(below.binds());
        binds.addAll(above.binds());
        binds.addAll(below.binds());
        binds.add(FEW_ROWS);
        return session.one(
                """
                select exists (select from %1$s where %2$s), exists (select from %1$s where %3$s),
                    (select count(*) >= %4$d from (select from %1$s where %2$s limit ?) expired)
                """.formatted(table.table(), below.sql(), above.sql(), FEW_ROWS / 2),
                row -> new Found(row.getBoolean(1), row.getBoolean(2), row.getBoolean(3)),
                binds.toArray());
    }

    private static @Nullable String newest(Session session, TimedTable table) {
        return session.first(
                        "select %1$s::text from %2$s where %1$s is not null order by %1$s desc limit 1"
                                .formatted(table.column(), table.table()),
                        row -> row.getString(1))
                .orElse(null);
    }
}
