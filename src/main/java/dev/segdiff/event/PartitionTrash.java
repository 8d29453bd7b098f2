package dev.segdiff.event;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import dev.segdiff.table.Partition;
import dev.segdiff.table.PartitionCatalog;
import dev.segdiff.table.TimedTable;
import dev.segdiff.table.Where;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;
import java.util.Set;

/** The SQL for partitions on their way to the trash: which have expired, and which are planned, detached and moved. */
@ApplicationScoped
class PartitionTrash {
    /** A partition that is planned for the trash and has not been moved there yet. */
    record Planned(long trashId, TableName table) {}

    /**
     * The partitions that have expired, both by the policy's horizon and by the database's own clock, and that are not
     * exempt.
     */
    Set<TableName> expired(Session session, PolicyTable target) {
        TimedTable table = target.table();
        Where ended = target.guard().ended("part.upper");
        // Materialized, because the bounds of other tables may have another type, for which the cast below would fail.
        return Set.copyOf(session.list(
                """
                with part as materialized (
                    select c.oid, n.nspname, c.relname, %1$s as upper
                    from pg_inherits i
                    join pg_class c on c.oid = i.inhrelid
                    join pg_namespace n on n.oid = c.relnamespace
                    where i.inhparent = to_regclass(?))
                select nspname, relname from part
                where cast(upper as %2$s) <= cast(? as %2$s) and %3$s
                  and not exists (select from segdiff.exempt_partitions e where e.relation = part.oid)
                """.formatted(PartitionCatalog.UPPER, table.type(), ended.sql()),
                row -> new TableName(row.getString("nspname"), row.getString("relname")),
                table.table().toString(),
                target.horizon().value(),
                ended.binds().get(0)));
    }

    /**
     * Records that a partition is going to the trash, before it is detached, together with the bounds that are needed
     * to attach it again.
     *
     * @return false if the partition has not expired, by its own bound and the database's own clock
     */
    boolean plan(Session session, PolicyTable target, Partition partition) {
        Where ended = target.guard().ended(PartitionCatalog.UPPER);
        long planned = session.update(
                """
                insert into segdiff.trash (relation, kind, owner, origin, details)
                select c.oid, 'partition', ?, ?, jsonb_build_object('parent', ?::text, 'from', ?::text, 'to', ?::text)
                from pg_class c where c.oid = to_regclass(?) and %s
                on conflict (relation) do update
                set owner = excluded.owner, origin = excluded.origin, details = excluded.details,
                    planned_at = now(), moved_at = null
                """.formatted(ended.sql()),
                target.policy().name(),
                partition.table().plain(),
                target.table().table().plain(),
                partition.from(),
                partition.to(),
                partition.table().toString(),
                ended.binds().get(0));
        return planned > 0;
    }

    /** Deletes the plans of partitions that are still attached, or that somebody has moved or dropped meanwhile. */
    void dropStalePlans(Session session, EventPolicy policy) {
        session.update("""
                delete from segdiff.trash t where t.kind = 'partition' and t.owner = ? and t.moved_at is null
                  and not exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                                  left join pg_inherits i on i.inhrelid = c.oid
                                  where c.oid = t.relation and (not c.relispartition or i.inhdetachpending)
                                    and replace(t.origin, '"', '') = replace(n.nspname || '.' || c.relname, '"', ''))
                """, policy.name());
    }

    /** The partitions that are detached but not yet in the trash. */
    List<Planned> planned(Session session, EventPolicy policy) {
        return session.list(
                """
                select t.trash_id, n.nspname, c.relname from segdiff.trash t
                join pg_class c on c.oid = t.relation join pg_namespace n on n.oid = c.relnamespace
                where t.kind = 'partition' and t.owner = ? and t.moved_at is null and not c.relispartition
                order by t.trash_id
                """,
                row -> new Planned(
                        row.getLong("trash_id"), new TableName(row.getString("nspname"), row.getString("relname"))),
                policy.name());
    }

    /**
     * Counts the rows of a partition as expired today, by the estimate in pg_class, because counting them would read
     * the whole partition. The policy's forecast uses these counts as the rate.
     */
    void countDay(Session session, EventPolicy policy, TableName partition) {
        long rows = session.one(
                "select greatest(reltuples, 0)::bigint from pg_class where oid = to_regclass(?)",
                row -> row.getLong(1),
                partition.toString());
        session.update(EventQueries.COUNT_DAY, policy.name(), rows);
    }
}
