package dev.segdiff.table;

import dev.segdiff.db.ColumnName;
import dev.segdiff.db.TableName;
import java.time.Duration;
import java.util.List;

/**
 * The table of a policy as the database has it: fit for expiry.
 *
 * @param retention how long its rows are kept
 * @param type what a value is cast to, such as {@code timestamp with time zone}
 * @param partitioned by range on the column
 * @param indexed whether a btree index begins with the column
 * @param pages of 8 kB
 * @param references foreign keys that keep rows from being deleted
 */
public record TimedTable(
        TableName table,
        ColumnName column,
        TimeKey key,
        Duration retention,
        String type,
        boolean partitioned,
        boolean indexed,
        long pages,
        List<Reference> references) {
    public TimedTable withKey(TimeKey other) {
        return new TimedTable(table, column, other, retention, type, partitioned, indexed, pages, references);
    }

    /** A partition of this table. */
    public TimedTable partition(TableName name, boolean indexed, long pages) {
        return new TimedTable(name, column, key, retention, type, false, indexed, pages, references);
    }
}
