package dev.segdiff.segment;

import dev.segdiff.db.Database;
import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import dev.segdiff.table.PartitionDdl;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.LocalDate;
import java.time.YearMonth;
import java.util.List;

/**
 * Makes the monthly partitions of {@code segment_diffs} ahead, and drops a partition when all its diffs are too old.
 */
@ApplicationScoped
class DiffPartitions {
    /**
     * The SQL state of the error that a snapshot is missing. Diffs are dropped only after segdiff has seen the
     * snapshots that replace them.
     */
    static final String NOT_REPLACED = "SD004";

    /**
     * The storage parameters of a partition. Rows are only inserted, so vacuum is needed only for the visibility map.
     * It comes after every million rows, and not after a share of the rows.
     */
    private static final String STORAGE = "autovacuum_vacuum_insert_scale_factor = 0,"
            + " autovacuum_vacuum_insert_threshold = 1000000, autovacuum_analyze_scale_factor = 0.02";

    /**
     * The SQL of the oldest day to keep: the current day minus the retention. The current day is that of the most
     * advanced time zone, 14 hours ahead of UTC. It takes the retention in days as its only bind.
     */
    static final String OLDEST_KEPT = "((now() at time zone 'UTC' + interval '14 hours')::date - ?::integer)";

    private static final TableName DIFFS = new TableName("segdiff", "segment_diffs");

    private final Database database;

    DiffPartitions(Database database) {
        this.database = database;
    }

    /** Makes the partitions for diffs of this day's month and of the next month, if they are missing. */
    void prepare(LocalDate day) {
        YearMonth month = YearMonth.from(day);
        for (YearMonth wanted : List.of(month, month.plusMonths(1))) {
            if (!exists(wanted)) {
                database.inTransaction(session -> create(session, wanted));
            }
        }
    }

    /**
     * Drops the monthly partitions of diffs that end before this day.
     *
     * @param retention the retention that the database subtracts from its own date, taken in the most advanced time
     *     zone: nothing younger is deleted, even if {@code horizon} is wrong
     * @return the number of partitions dropped
     * @throws dev.segdiff.db.DatabaseException with a lock timeout if a reader holds a partition, which the next run
     *     then drops; with {@link #NOT_REPLACED} if a snapshot is missing that would replace the diffs
     */
    long dropBefore(LocalDate horizon, Duration retention) {
        return database.transaction(session -> {
            // Workers that end together would drop the same partition, and all but one would not find it any more.
            alone(session);
            List<TableName> expired = session.list(
                    """
                    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
                    where i.inhparent = 'segdiff.segment_diffs'::regclass
                      and c.relname ~ '^segment_diffs_\\d{4}_\\d{2}$'
                      and to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= ?
                      and to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= %s
                    order by 1
                    """.formatted(OLDEST_KEPT),
                    row -> new TableName("segdiff", row.getString(1)),
                    horizon,
                    retention.toDays());
            expired.forEach(partition -> session.call("select segdiff.drop_diffs(?::regclass)", partition.toString()));
            return (long) expired.size();
        });
    }

    private boolean exists(YearMonth month) {
        return database.transaction(session -> session.one(
                "select to_regclass(?) is not null",
                row -> row.getBoolean(1),
                partition(month).toString()));
    }

    /**
     * Makes a partition as a table of its own and then attaches it. Unlike {@code create table ... partition of}, this
     * lets readers and writers of the parent go on. With the check constraint PostgreSQL does not have to scan the
     * table when it is attached.
     */
    private void create(Session session, YearMonth month) {
        TableName partition = partition(month);
        String from = month.atDay(1).toString();
        String to = month.plusMonths(1).atDay(1).toString();
        // Workers that start at the same time would make the same partition twice.
        alone(session);
        session.update("""
                create table if not exists %1$s (
                    like segdiff.segment_diffs including defaults,
                    constraint day check (day >= date '%2$s' and day < date '%3$s')
                ) with (%4$s)
                """.formatted(partition, from, to, STORAGE));
        boolean attached = session.one(
                "select exists (select from pg_inherits where inhrelid = to_regclass(?))",
                row -> row.getBoolean(1),
                partition.toString());
        if (!attached) {
            session.update("create unique index on %s (version, contact_id)".formatted(partition));
            session.update(PartitionDdl.attach(DIFFS, partition, from, to));
            session.update("alter table %s drop constraint day".formatted(partition));
        }
    }

    /** Waits for other workers that make or drop partitions, until this transaction ends. */
    private static void alone(Session session) {
        session.call("select pg_advisory_xact_lock(hashtext('segdiff.segment_diffs'))");
    }

    private static TableName partition(YearMonth month) {
        return new TableName("segdiff", "segment_diffs_%04d_%02d".formatted(month.getYear(), month.getMonthValue()));
    }
}
