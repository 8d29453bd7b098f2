package dev.segdiff.table;

import java.util.Optional;

/**
 * The configuration of the partitions that a table gets in the future.
 *
 * @param subject how problems name the part of the configuration that the table belongs to, such as "policy audit"
 * @param keys where the plan is configured, such as "segdiff.events.audit"
 * @param ahead how many partitions follow the present one; with 0 segdiff makes none, because another program makes
 *     them
 * @param interval how much time a new partition covers; if empty, as much as the newest partition
 */
public record PartitionPlan(String subject, String keys, int ahead, Optional<PartitionInterval> interval) {}
