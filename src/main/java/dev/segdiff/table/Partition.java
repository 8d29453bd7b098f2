package dev.segdiff.table;

import dev.segdiff.db.TableName;
import org.jspecify.annotations.Nullable;

/**
 * A partition of a table, as the catalog has it.
 *
 * @param from its least value; null: none, or it is the default partition
 * @param to the value that it ends before; null: none, or it is the default partition
 * @param detachPending an earlier {@code detach ... concurrently} was cut off
 * @param pages of 8 kB
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
