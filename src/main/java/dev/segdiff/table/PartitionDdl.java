package dev.segdiff.table;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;

/** The statements that make, attach and detach a partition. */
public final class PartitionDdl {
    private PartitionDdl() {}

    /**
     * A detach that locks out neither readers nor writers. It has to run outside a transaction, and PostgreSQL refuses
     * it for a table with a default partition.
     */
    public static String detachConcurrently(TableName table, TableName partition) {
        return detach(table, partition) + " concurrently";
    }

    /** Finishes a {@code detach ... concurrently} that was cut off. */
    public static String finalizeDetach(TableName table, TableName partition) {
        return detach(table, partition) + " finalize";
    }

    public static String detach(TableName table, TableName partition) {
        return "alter table " + table + " detach partition " + partition;
    }

    /**
     * Makes the partition as a table of its own, to be attached afterwards: attaching a table does not lock out readers
     * and writers of the other partitions, while {@code create table ... partition of} does.
     */
    public static String create(TableName table, TableName partition) {
        return "create table " + partition + " (like " + table
                + " including defaults including generated including constraints including storage"
                + " including compression including statistics)";
    }

    public static String attach(TableName table, TableName partition, String from, String to) {
        return "alter table %s attach partition %s for values from ('%s') to ('%s')"
                .formatted(table, partition, from, to);
    }

    /**
     * Gives the partition to the owner of its table. With another owner, the next {@code alter table} of the parent
     * would fail.
     */
    public static void giveToOwnerOf(Session session, TableName table, TableName partition) {
        session.call(
                "select segdiff.give_to_owner_of(to_regclass(?), to_regclass(?))",
                partition.toString(),
                table.toString());
    }
}
