package dev.segdiff.table;

import dev.segdiff.db.TableName;
import org.jspecify.annotations.Nullable;

/**
 * A partition of a table, as PostgreSQL's catalog has it.
 *
 * @param from the smallest value in the partition; null if the partition has no lower bound, or is the default
 *     partition
 * @param to the value before which the partition ends; null if the partition has no end, or is the default partition
 * @param detachPending whether an earlier {@code detach ... concurrently} was cut off and has to be finished
 * @param pages the size of the partition in pages of 8 kB
 */
public record Partition(
        TableName table,
        @Nullable String from,
        @Nullable String to,
        boolean isDefault,
        boolean detachPending,
        boolean partitioned,
        boolean indexed,
        long pages) {}
