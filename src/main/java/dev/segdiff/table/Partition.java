package dev.segdiff.table;

import dev.segdiff.db.TableName;
import org.jspecify.annotations.Nullable;

/**
 * A partition of an event table.
 *
 * @param from its least value; null: none, or it is the default partition
 * @param to the value that it ends before; null: none, or it is the default partition
 * @param detachPending an earlier {@code detach ... concurrently} was cut off
 * @param expired it ends at or before the bound
 */
public record Partition(
        TableName table,
        @Nullable String from,
        @Nullable String to,
        boolean isDefault,
        boolean detachPending,
        boolean expired,
        boolean partitioned,
        boolean indexed,
        long pages) {}
