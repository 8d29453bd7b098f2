package dev.segdiff.table;

import dev.segdiff.db.ColumnName;
import dev.segdiff.db.TableName;
import java.util.List;

/**
 * A table whose rows have a time, such as an event table, with what the database knows about it.
 *
 * @param column the column that holds the time of a row
 * @param key how the column writes a time
 * @param type the type to which SQL casts a value of the column, such as {@code timestamp with time zone}
 * @param partitioned whether the table is partitioned by range on the column
 * @param indexed whether a btree index begins with the column
 * @param pages the size of the table in pages of 8 kB
 * @param references the foreign keys that keep rows from being deleted
 */
public record TimedTable(
        TableName table,
        ColumnName column,
        TimeKey key,
        String type,
        boolean partitioned,
        boolean indexed,
        long pages,
        List<Reference> references) {
    public TimedTable withKey(TimeKey other) {
        return new TimedTable(table, column, other, type, partitioned, indexed, pages, references);
    }

    /** A partition of this table, as a table of its own. */
    public TimedTable partition(Partition partition) {
        return new TimedTable(
                partition.table(), column, key, type, false, partition.indexed(), partition.pages(), references);
    }
}
