package dev.segdiff.event;

import dev.segdiff.db.Session;
import dev.segdiff.table.PartitionCatalog;
import dev.segdiff.table.PartitionPlan;
import dev.segdiff.table.Partitions;
import dev.segdiff.table.TimedTable;
import dev.segdiff.table.Where;

/** A policy with its table, and the horizon before which rows of the table have expired. */
record PolicyTable(EventPolicy policy, TimedTable table, Horizon horizon) {
    RetentionGuard guard() {
        return new RetentionGuard(table, policy.retention());
    }

    /** The condition that a row has expired. */
    Where expired() {
        return Where.below(table, horizon.value());
    }

    Partitions partitions(Session session) {
        PartitionPlan plan = new PartitionPlan(
                policy.subject(),
                "segdiff.events." + policy.name(),
                policy.partitionsAhead(),
                policy.partitionInterval());
        return new Partitions(plan, table, PartitionCatalog.list(session, table));
    }

    /** The same policy for one partition of its table. */
    PolicyTable with(TimedTable other) {
        return new PolicyTable(policy, other, horizon);
    }
}
