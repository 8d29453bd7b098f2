package dev.segdiff.segment;

import dev.segdiff.db.Database;
import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.LocalDate;
import java.time.YearMonth;
import java.util.List;

/** The monthly partitions of {@code segment_diffs}: made ahead, dropped when all their diffs are too old. */
@ApplicationScoped
class DiffPartitions {
    /** Nothing that holds data is dropped before what replaces it was seen. */
    static final String NOT_REPLACED = "SD004";

    /** Rows of a hundred bytes: some tens of milliseconds a statement. */
    private static final int BATCH = 10_000;

    /** Only inserted: vacuum makes the visibility map, and comes after a million rows, not after a share of them. */
    private static final String STORAGE =
            "autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000, autovacuum_analyze_scale_factor = 0.02";

    /** The days before this one are out of the retention wherever one is: the date line is 14 hours ahead of UTC. */
    private static final String OLDEST_KEPT = "((now() at time zone 'UTC' + interval '14 hours')::date - ?::integer)";

    private final Database database;

    DiffPartitions(Database database) {
        this.database = database;
    }

    /** Makes sure that diffs of this day, and of the month after it, have a place. */
    void prepare(LocalDate day) {
        YearMonth month = YearMonth.from(day);
        for (YearMonth wanted : List.of(month, month.plusMonths(1))) {
            if (!exists(wanted)) {
                database.inTransaction(session -> create(session, wanted));
            }
        }
    }

    /**
     * Makes versions before this day unreachable for diffs, but for the newest of them, from which the retained diffs
     * start, and drops the partitions that lie before it.
     *
     * @param retention what the database itself takes from its own date, the latest on Earth: nothing younger goes
     * @return the number of partitions dropped
     * @throws dev.segdiff.db.DatabaseException with a lock timeout when a reader holds a partition, the next run does it;
     *     with {@link #NOT_REPLACED} when a snapshot is missing that would stand in for the diffs
     */
    long retire(LocalDate horizon, Duration retention) {
        while (forgetVersions(horizon, retention) == BATCH) {
            // As many as one statement may take; the next takes the rest.
        }
        return database.transaction(session -> {
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

    private long forgetVersions(LocalDate horizon, Duration retention) {
        return database.transaction(
                session -> session.update("""
                delete from segdiff.segment_versions where version in (
                    select v.version from segdiff.segment_versions v
                    where v.day < ? and v.day < %s and exists (
                        select from segdiff.segment_versions newer
                        where newer.customer_id = v.customer_id and newer.segment_id = v.segment_id
                          and newer.version > v.version and newer.day < ?)
                    order by v.version limit ?)
                """.formatted(OLDEST_KEPT), horizon, retention.toDays(), horizon, BATCH));
    }

    private boolean exists(YearMonth month) {
        return database.transaction(session -> session.one(
                "select to_regclass(?) is not null",
                row -> row.getBoolean(1),
                partition(month).toString()));
    }

    /**
     * A table made by itself and then attached locks the parent so that readers and writers go on, unlike
     * {@code create table ... partition of}; the check constraint spares the scan.
     */
    private void create(Session session, YearMonth month) {
        TableName partition = partition(month);
        String from = month.atDay(1).toString();
        String to = month.plusMonths(1).atDay(1).toString();
        // Workers that start together make the same partition.
        session.call("select pg_advisory_xact_lock(hashtext('segdiff.segment_diffs'))");
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
            session.update("alter table segdiff.segment_diffs attach partition %s for values from ('%s') to ('%s')"
                    .formatted(partition, from, to));
            session.update("alter table %s drop constraint day".formatted(partition));
        }
    }

    private static TableName partition(YearMonth month) {
        return new TableName("segdiff", "segment_diffs_%04d_%02d".formatted(month.getYear(), month.getMonthValue()));
    }
}
