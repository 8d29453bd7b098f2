package dev.segdiff.event;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import dev.segdiff.table.Partition;
import dev.segdiff.table.TimedTable;
import dev.segdiff.table.Where;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/** The SQL of partitions. */
@ApplicationScoped
class PartitionQueries {
    /** A partition that was noted for the trash and has not arrived there. */
    record Noted(long trashId, TableName table) {}

    /** In the order of their time, the default partition last. */
    List<Partition> list(Session session, TimedTable table, String bound) {
        Where ended = RetentionGuard.ended(table, "b.upper");
        return session.list(
                """
                select n.nspname, c.relname, b.lower, b.upper, b.text = 'DEFAULT' as is_default, i.inhdetachpending, c.relkind = 'p' as partitioned,
                    coalesce(cast(b.upper as %1$s) <= cast(? as %1$s), false) and %2$s
                        and not exists (select from segdiff.exempt_partitions e where e.relation = c.oid) as expired,
                    segdiff.has_index(c.oid, a.attnum) as indexed,
                    pg_relation_size(c.oid) / current_setting('block_size')::int as pages
                from pg_inherits i
                join pg_class c on c.oid = i.inhrelid
                join pg_namespace n on n.oid = c.relnamespace
                join pg_attribute a on a.attrelid = c.oid and a.attname = ?
                cross join lateral (select pg_get_expr(c.relpartbound, c.oid) as text) t
                cross join lateral (select t.text, substring(t.text from 'FROM \\(''(.*)''\\) TO') as lower,
                                           substring(t.text from 'TO \\(''(.*)''\\)$') as upper) b
                where i.inhparent = to_regclass(?)
                order by b.text = 'DEFAULT', cast(b.upper as %1$s) nulls last
                """.formatted(table.type(), ended.sql()),
                PartitionQueries::partition,
                bound,
                ended.binds().get(0),
                table.column().name(),
                table.table().toString());
    }

    /**
     * Notes a partition before it is detached, with what is needed to attach it again.
     *
     * @return false if the database finds, by the partition's own bound and its own clock, that it has not expired
     */
    boolean note(Session session, EventPolicy policy, TimedTable table, Partition partition) {
        Where ended =
                RetentionGuard.ended(table, "substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''(.*)''\\)$')");
        long noted = session.update(
                """
                insert into segdiff.trash (relation, kind, owner, origin, details)
                select c.oid, 'partition', ?, ?, jsonb_build_object('parent', ?::text, 'from', ?::text, 'to', ?::text)
                from pg_class c where c.oid = to_regclass(?) and %s
                on conflict (relation) do update
                set owner = excluded.owner, origin = excluded.origin, details = excluded.details, planned_at = now(), moved_at = null
                """.formatted(ended.sql()),
                policy.name(),
                partition.table().plain(),
                table.table().plain(),
                partition.from(),
                partition.to(),
                partition.table().toString(),
                ended.binds().get(0));
        return noted > 0;
    }

    /** Forgets notes of partitions that are attached still, or that somebody has moved or dropped meanwhile. */
    void forgetStale(Session session, EventPolicy policy) {
        session.update("""
                delete from segdiff.trash t where t.kind = 'partition' and t.owner = ? and t.moved_at is null
                  and not exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                                  left join pg_inherits i on i.inhrelid = c.oid
                                  where c.oid = t.relation and (not c.relispartition or i.inhdetachpending)
                                    and replace(t.origin, '"', '') = replace(n.nspname || '.' || c.relname, '"', ''))
                """, policy.name());
    }

    /** Detached, but not yet in the trash. */
    List<Noted> noted(Session session, EventPolicy policy) {
        return session.list(
                """
                select t.trash_id, n.nspname, c.relname from segdiff.trash t
                join pg_class c on c.oid = t.relation join pg_namespace n on n.oid = c.relnamespace
                where t.kind = 'partition' and t.owner = ? and t.moved_at is null and not c.relispartition
                order by t.trash_id
                """,
                row -> new Noted(
                        row.getLong("trash_id"), new TableName(row.getString("nspname"), row.getString("relname"))),
                policy.name());
    }

    static String detachConcurrently(TimedTable table, Partition partition) {
        return "alter table " + table.table() + " detach partition " + partition.table() + " concurrently";
    }

    static String finalizeDetach(TimedTable table, Partition partition) {
        return "alter table " + table.table() + " detach partition " + partition.table() + " finalize";
    }

    static String detach(TimedTable table, Partition partition) {
        return "alter table " + table.table() + " detach partition " + partition.table();
    }

    /** By itself, so that attaching it does not lock out readers and writers of the others. */
    static String create(TimedTable table, TableName partition) {
        return "create table " + partition + " (like " + table.table()
                + " including defaults including generated including constraints including storage"
                + " including compression including statistics)";
    }

    static String attach(TimedTable table, TableName partition, String from, String to) {
        return "alter table %s attach partition %s for values from ('%s') to ('%s')"
                .formatted(table.table(), partition, from, to);
    }

    /** A partition of another owner than its parent's would be in the way of the next {@code alter table}. */
    void giveToOwnerOf(Session session, TimedTable table, TableName partition) {
        session.list(
                "select segdiff.give_to_owner_of(to_regclass(?), to_regclass(?))",
                row -> row,
                partition.toString(),
                table.table().toString());
    }

    /** What leaves with a partition counts for the rate of the policy's forecast. */
    void countDay(Session session, EventPolicy policy, TableName partition) {
        long rows = session.one(
                "select greatest(reltuples, 0)::bigint from pg_class where oid = to_regclass(?)",
                row -> row.getLong(1),
                partition.toString());
        session.update(EventQueries.COUNT_DAY, policy.name(), rows);
    }

    void execute(Session session, String sql) {
        session.update(sql);
    }

    private static Partition partition(ResultSet row) throws SQLException {
        return new Partition(
                new TableName(row.getString("nspname"), row.getString("relname")),
                row.getString("lower"),
                row.getString("upper"),
                row.getBoolean("is_default"),
                row.getBoolean("inhdetachpending"),
                row.getBoolean("expired"),
                row.getBoolean("partitioned"),
                row.getBoolean("indexed"),
                row.getLong("pages"));
    }
}
