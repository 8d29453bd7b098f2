package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.pace.BatchConfig;
import dev.segdiff.pace.Gate;
import dev.segdiff.run.RunConfig;
import dev.segdiff.run.RunContext;
import dev.segdiff.table.Partition;
import dev.segdiff.table.TimedTable;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** One policy, from its view for readers to its last expired row. */
@ApplicationScoped
class PolicyExpiry {
    private final Database database;
    private final EventQueries queries;
    private final EventClamp clamp;
    private final EventPartitions partitions;
    private final PartitionsAhead ahead;
    private final ExpiryPlan plan;
    private final BatchConfig batchConfig;
    private final RunConfig runConfig;

    PolicyExpiry(
            Database database,
            EventQueries queries,
            EventClamp clamp,
            EventPartitions partitions,
            PartitionsAhead ahead,
            ExpiryPlan plan,
            BatchConfig batchConfig,
            RunConfig runConfig) {
        this.database = database;
        this.queries = queries;
        this.clamp = clamp;
        this.partitions = partitions;
        this.ahead = ahead;
        this.plan = plan;
        this.batchConfig = batchConfig;
        this.runConfig = runConfig;
    }

    void expire(RunContext run, Gate gate, EventPolicy policy, TimedTable table, Instant now) {
        Instant horizon = horizon(policy, run.request().day(), now);
        String bound = table.key().bound(horizon);
        if (!plan.isSafe(run, policy, table, bound)) {
            return;
        }
        register(run, policy, table);
        long maxRows = policy.maxRows().orElse(Long.MAX_VALUE);
        long left = table.partitioned()
                ? expirePartitions(run, gate, policy, table, now, horizon, bound, maxRows)
                : expireRows(run, gate, policy, table, bound, cursor(policy), maxRows);
        run.counts().add("capped", left == 0 ? 1 : 0);
    }

    /** Drops partitions that have waited in the trash, of every policy. */
    void emptyTrash(RunContext run, Gate gate, List<EventPolicy> policies) {
        partitions.drop(
                run, gate, policies.stream().collect(Collectors.toMap(EventPolicy::name, EventPolicy::trashAfter)));
    }

    /** As of the end of the logical day, but never of a time to come. */
    private Instant horizon(EventPolicy policy, LocalDate day, Instant now) {
        Instant end = day.plusDays(1).atStartOfDay(runConfig.timeZone()).toInstant();
        return (end.isBefore(now) ? end : now).minus(policy.retention());
    }

    private void register(RunContext run, EventPolicy policy, TimedTable table) {
        boolean viewDue = database.transaction(session -> clamp.isViewDue(session, policy, table));
        if (run.request().dryRun()) {
            if (viewDue && policy.view()) {
                run.wouldRun(EventClamp.viewSql(policy, table));
            }
            return;
        }
        run.inTransaction(database, session -> clamp.register(session, policy, table));
        if (viewDue) {
            makeView(run, policy, table);
        }
    }

    /** Without its view a policy still deletes. */
    private void makeView(RunContext run, EventPolicy policy, TimedTable table) {
        try {
            run.inTransaction(database, session -> clamp.makeView(session, policy, table));
        } catch (DatabaseException e) {
            if (RunContext.isEndedBy(e)) {
                throw e;
            }
            run.problem("policy " + policy.name() + ": view "
                    + EventClamp.view(policy).plain() + " cannot be made: " + e.getMessage());
        }
    }

    private @Nullable String cursor(EventPolicy policy) {
        return database.transaction(session -> queries.cursor(session, policy)).orElse(null);
    }

    private long expirePartitions(
            RunContext run,
            Gate gate,
            EventPolicy policy,
            TimedTable table,
            Instant now,
            Instant horizon,
            String bound,
            long maxRows) {
        List<Partition> all = partitions.list(table, bound);
        boolean finished = partitions.recover(run, gate, policy, table, all);
        ahead.make(run, policy, table, all, now, horizon);
        if (finished) {
            partitions.expire(run, gate, policy, table, all);
        }
        long left = maxRows;
        for (Partition partition : all) {
            if (partition.isDefault()) {
                left = expireStrays(run, gate, policy, table, partition, bound, left);
            }
        }
        return left;
    }

    /** Rows in the default partition had no place of their own. */
    private long expireStrays(
            RunContext run,
            Gate gate,
            EventPolicy policy,
            TimedTable table,
            Partition strays,
            String bound,
            long maxRows) {
        if (strays.partitioned()) {
            run.problem("policy %s: the default partition %s is partitioned itself, its rows are not expired"
                    .formatted(policy.name(), strays.table().plain()));
            return maxRows;
        }
        TimedTable target = table.partition(strays.table(), strays.indexed(), strays.pages());
        if (database.transaction(session -> queries.isEmpty(session, target))) {
            return maxRows;
        }
        run.problem("policy %s: rows have strayed into the default partition %s"
                .formatted(policy.name(), strays.table().plain()));
        return expireRows(run, gate, policy, target, bound, null, maxRows);
    }

    private long expireRows(
            RunContext run,
            Gate gate,
            EventPolicy policy,
            TimedTable table,
            String bound,
            @Nullable String cursor,
            long maxRows) {
        EventBatches batches = new EventBatches(database, queries, batchConfig, run, gate, policy, table, maxRows);
        batches.expire(bound, cursor);
        return batches.left();
    }
}
