package dev.segdiff.index;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The SQL of the table {@code segdiff.index_rebuilds}, which records each rebuild: that it began, how it ended, and
 * what it may have left behind.
 */
@ApplicationScoped
class RebuildLedger {
    /** A rebuild that may have left an invalid index behind. */
    record UnfinishedBuild(long rebuildId, long tableOid, String index, boolean building) {}

    /** Records a rebuild before it begins, and returns its number. */
    long begin(Session session, long runId, IndexState index) {
        return session.one(
                """
                insert into segdiff.index_rebuilds
                    (run_id, index_oid, index_name, table_oid, table_name,
                     bytes_before, bloat_before, measured, invalid_before)
                values (?, ?::oid, ?, ?::oid, ?, ?, ?, ?,
                    array(select i.indexrelid from pg_index i where i.indrelid = ?::oid and not i.indisvalid))
                returning rebuild_id
                """,
                row -> row.getLong(1),
                runId,
                index.oid(),
                index.index().plain(),
                index.tableOid(),
                index.table().plain(),
                index.bytes(),
                index.bloat(),
                index.measured(),
                index.tableOid());
    }

    /** Records an index that is left alone, and why. */
    void skip(Session session, long runId, IndexState index, String reason) {
        session.update(
                """
                insert into segdiff.index_rebuilds
                    (run_id, index_oid, index_name, table_oid, table_name,
                     ended_at, outcome, reason, bytes_before, bloat_before, measured, clean)
                values (?, ?::oid, ?, ?::oid, ?, clock_timestamp(), 'skipped', ?, ?, ?, ?, true)
                """,
                runId,
                index.oid(),
                index.index().plain(),
                index.tableOid(),
                index.table().plain(),
                reason,
                index.bytes(),
                index.bloat(),
                index.measured());
    }

    /** Records an index that statistics suspected, and that a measurement has shown not to be bloated. */
    void refute(Session session, long runId, IndexState index) {
        session.update(
                """
                insert into segdiff.index_rebuilds
                    (run_id, index_oid, index_name, table_oid, table_name,
                     ended_at, outcome, bytes_before, bloat_before, measured, estimate_error, clean)
                values (?, ?::oid, ?, ?::oid, ?, clock_timestamp(), 'refuted', ?, ?, true, ?, true)
                """,
                runId,
                index.oid(),
                index.index().plain(),
                index.tableOid(),
                index.table().plain(),
                index.bytes(),
                index.bloat(),
                index.estimateError(1));
    }

    /**
     * Records which index is being built. PostgreSQL shows it in {@code pg_stat_progress_create_index}, in the row of
     * the session that runs the rebuild. At first this row shows the old index, which is ignored.
     */
    void noteNew(Session session, long rebuildId, String sql) {
        session.update("""
                update segdiff.index_rebuilds r set new_oid = p.index_relid
                from pg_stat_progress_create_index p join pg_stat_activity a using (pid)
                where r.rebuild_id = ? and r.new_oid is null
                  and p.relid = r.table_oid and p.index_relid not in (0, r.index_oid)
                  and p.datname = current_database() and a.query = ?
                """, rebuildId, sql);
    }

    /** @param after the index as it is now; null if somebody has dropped the index since */
    void rebuilt(Session session, long rebuildId, @Nullable IndexState after) {
        session.update(
                """
                update segdiff.index_rebuilds
                set ended_at = clock_timestamp(), outcome = 'rebuilt', bytes_after = ?::bigint, bloat_after = ?::float8,
                    estimate_error = ?::float8
                where rebuild_id = ?
                """,
                after == null ? null : after.bytes(),
                after == null ? null : after.bloat(),
                after == null ? null : after.estimateError(1),
                rebuildId);
    }

    void failed(Session session, long rebuildId, String reason) {
        session.update("""
                update segdiff.index_rebuilds set ended_at = clock_timestamp(), outcome = 'failed', reason = ?
                where rebuild_id = ?
                """, reason, rebuildId);
    }

    /** The rebuilds that were cut off or failed, and so may have left an index behind. */
    List<UnfinishedBuild> unfinished(Session session) {
        return session.list(
                """
                select r.rebuild_id, r.table_oid, r.index_name,
                    exists (select from pg_stat_progress_create_index p
                            where p.relid = r.table_oid and p.datname = current_database()) as building
                from segdiff.index_rebuilds r where not r.clean order by r.rebuild_id
                """, row -> new UnfinishedBuild(row.getLong(1), row.getLong(2), row.getString(3), row.getBoolean(4)));
    }

    /**
     * The index that a rebuild has left behind: either the new index that it was building, or the old index that it had
     * replaced, both under the names that PostgreSQL gives them. If the rebuild was cut off before it could record the
     * new index, the leftover is an index of the same table with the same columns that did not exist before. PostgreSQL
     * shortens the old name where the new name would be too long; in any alphabet at least 14 characters of it are
     * left.
     */
    Optional<TableName> leftover(Session session, UnfinishedBuild rebuild) {
        return session.first("""
                select n.nspname, c.relname
                from segdiff.index_rebuilds r
                join pg_index i on i.indrelid = r.table_oid and not i.indisvalid
                join pg_class c on c.oid = i.indexrelid
                join pg_namespace n on n.oid = c.relnamespace
                left join pg_index old on old.indexrelid = r.index_oid
                left join pg_class old_class on old_class.oid = r.index_oid
                where r.rebuild_id = ?
                  and ((c.oid = r.index_oid and c.relname ~ '_ccold\\d*$')
                       or (c.relname ~ '_ccnew\\d*$'
                           and case when r.new_oid is not null then c.oid = r.new_oid
                               else c.oid <> all (r.invalid_before)
                                   and (i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text)
                                     = (old.indkey::text, old.indclass::text,
                                        old.indcollation::text, old.indoption::text)
                                   and starts_with(c.relname, left(old_class.relname, 14))
                               end))
                order by c.oid limit 1
                """, row -> new TableName(row.getString(1), row.getString(2)), rebuild.rebuildId());
    }

    /** Deletes old rows that nobody needs any more. */
    void forget(Session session) {
        session.update("delete from segdiff.index_rebuilds where clean and started_at < now() - interval '1 year'");
    }

    /** Records that nothing is left of a rebuild. A rebuild without an end is recorded as cut off. */
    void clean(Session session, long rebuildId) {
        session.update("""
                update segdiff.index_rebuilds
                set clean = true, ended_at = coalesce(ended_at, clock_timestamp()),
                    outcome = coalesce(outcome, 'cut_off')
                where rebuild_id = ?
                """, rebuildId);
    }
}
