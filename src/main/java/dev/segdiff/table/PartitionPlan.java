package dev.segdiff.table;

import java.util.Optional;

/**
 * The partitions that a table shall get in the future, as configured.
 *
 * @param subject how problems name the part of the configuration that the table belongs to, such as "policy audit"
 * @param keys where the plan is configured, such as "segdiff.events.audit"
 * @param ahead how many partitions shall follow the present one; 0: segdiff makes none, because another program does
 * @param interval how much time a new partition covers; empty: as much as the newest partition
 */
public record PartitionPlan(String subject, String keys, int ahead, Optional<PartitionInterval> interval) {}
