package dev.segdiff.table;

import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The partitions of a table, together with the plan for the partitions to come.
 *
 * @param all the partitions in the order of their time, the default partition last
 */
public record Partitions(PartitionPlan plan, TimedTable table, List<Partition> all) {
    /** The partition for rows that fit no other partition; empty if the table has none. */
    public Optional<Partition> defaultPartition() {
        return all.stream().filter(Partition::isDefault).findFirst();
    }

    /**
     * Whether segdiff has no partitions to make, because another program makes them or because one partition has no
     * end.
     */
    boolean needNoMore() {
        return plan.ahead() == 0 || all.stream().anyMatch(p -> !p.isDefault() && p.to() == null);
    }

    /** The time at which the last partition ends; 1970-01-01 if no partition has an end. */
    Instant end() {
        return all.stream()
                .flatMap(partition -> Optional.ofNullable(partition.to()).flatMap(table.key()::time).stream())
                .map(ZonedDateTime::toInstant)
                .max(Comparator.naturalOrder())
                .orElse(Instant.EPOCH);
    }
}
