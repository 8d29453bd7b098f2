/**
 * Moves a table to partitions while its users go on writing. So far: the plan, which only reads.
 */
@org.jspecify.annotations.NullMarked
package dev.segdiff.partitioning;
