package dev.segdiff.table;

import java.util.Optional;

/**
 * How the partitions of a table shall go on.
 *
 * @param subject how problems name the table's owner, such as "policy audit"
 * @param keys where the plan is configured, such as "segdiff.events.audit"
 * @param ahead how many partitions shall follow the present one; 0: somebody else makes partitions
 * @param interval what a new partition covers; empty: as much as the newest one
 */
public record PartitionPlan(String subject, String keys, int ahead, Optional<PartitionInterval> interval) {}
