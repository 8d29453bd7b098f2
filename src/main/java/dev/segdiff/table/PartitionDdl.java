package dev.segdiff.table;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;

/** The statements that make, attach and detach a partition. */
public final class PartitionDdl {
    private PartitionDdl() {}

    /** Locks out neither readers nor writers, and runs outside a transaction; a default partition forbids it. */
    public static String detachConcurrently(TableName table, TableName partition) {
        return detach(table, partition) + " concurrently";
    }

    /** Ends a {@code detach ... concurrently} that was cut off. */
    public static String finalizeDetach(TableName table, TableName partition) {
        return detach(table, partition) + " finalize";
    }

    public static String detach(TableName table, TableName partition) {
        return "alter table " + table + " detach partition " + partition;
    }

    /** By itself, so that attaching it does not lock out readers and writers of the others. */
    public static String create(TableName table, TableName partition) {
        return "create table " + partition + " (like " + table
                + " including defaults including generated including constraints including storage"
                + " including compression including statistics)";
    }

    public static String attach(TableName table, TableName partition, String from, String to) {
        return "alter table %s attach partition %s for values from ('%s') to ('%s')"
                .formatted(table, partition, from, to);
    }

    /** A partition of another owner than its parent's would be in the way of the next {@code alter table}. */
    public static void giveToOwnerOf(Session session, TableName table, TableName partition) {
        session.call(
                "select segdiff.give_to_owner_of(to_regclass(?), to_regclass(?))",
                partition.toString(),
                table.toString());
    }
}
