package dev.segdiff.index;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * The SQL that looks at indexes: what the catalogs and statistics know about them, and whether their tables are in use.
 */
@ApplicationScoped
class IndexQueries {
    /**
     * The query of all indexes, with what the estimate of their bloat needs. The number of entries is that of the last
     * VACUUM or ANALYZE, increased as the table has grown since, as the planner does it, and at least the number of
     * rows that PostgreSQL has counted since. It is unknown for a table without VACUUM and ANALYZE. The widths of
     * columns are known for tables that the role may read, but not for columns of type name, which an index stores in
     * fewer bytes than the table. For an expression of variable length, ANALYZE counts a header of four bytes, of which
     * the index stores one, so three bytes are subtracted. Duplicates are stored once where equal means the same bytes.
     * The estimate is corrected by its error at a time when the real bloat was known. If this was right after a
     * rebuild, the correction is permanent, because PostgreSQL had just counted the entries. If this was at a
     * measurement, the correction holds only for rebuild-again-after, because statistics may have been old then.
     */
    private static final String INDEXES = MaintainedTables.TABLES + """
            select n.nspname, c.relname, tn.nspname as table_schema, t.relname as table_name,
                c.oid, t.oid as table_oid, m.amname,
                pg_relation_size(c.oid) as bytes, current_setting('block_size')::int as page_size,
                case when t.reltuples < 0 or (t.relpages = 0 and pg_relation_size(t.oid) > 0) then -1
                    else greatest(
                        case when i.indpred is null then ts.n_live_tup end,
                        c.reltuples * coalesce(
                            pg_relation_size(t.oid) / current_setting('block_size')::float8 / nullif(t.relpages, 0),
                            1)) end as entries,
                case when m.amname = 'btree'
                    then coalesce(substring(array_to_string(c.reloptions, ' ') from 'fillfactor=(\\d+)')::int, 90)
                    end as fill_factor,
                not i.indisunique and i.indnatts = i.indnkeyatts and stored.same_bytes
                    and coalesce(array_to_string(c.reloptions, ' '), '') !~ 'deduplicate_items=(off|false|0)'
                    as deduplicated,
                stored.lengths, stored.aligns, stored.widths, stored.nulls, stored.distincts,
                coalesce(s.idx_scan, 0) as scans, (to_jsonb(s) ->> 'last_idx_scan')::timestamptz as last_scan,
                i.indisvalid, exists (select from pg_constraint k where k.conindid = c.oid) as has_constraint,
                exists (select from pg_stat_progress_create_index p
                        where p.relid = t.oid and p.datname = current_database()) as building,
                duplicate.name as duplicate_of,
                case when i.indisexclusion
                    then 'it belongs to an exclusion constraint, which PostgreSQL does not rebuild concurrently'
                    when not """ + MaintainedTables.mayMaintain("t") + """
                    then format('role %s may not: it belongs to %s', current_user, c.relowner::regrole)
                end as untouchable,
                rebuilt.ended_at as rebuilt_at, known.estimate_error
            from tables
            join pg_index i on i.indrelid = tables.oid
            join pg_class c on c.oid = i.indexrelid
            join pg_namespace n on n.oid = c.relnamespace
            join pg_class t on t.oid = i.indrelid
            join pg_namespace tn on tn.oid = t.relnamespace
            join pg_am m on m.oid = c.relam
            left join pg_stat_all_indexes s on s.indexrelid = c.oid
            left join pg_stat_all_tables ts on ts.relid = t.oid
            left join lateral (
                select array_agg(a.attlen::int order by a.attnum) as lengths,
                    array_agg(case a.attalign when 'd' then 8 when 'i' then 4 when 's' then 2 else 1 end
                              order by a.attnum) as aligns,
                    array_agg(case when a.attlen <> -2
                                  then st.avg_width
                                       - case when ta.attnum is null and a.attlen = -1 then 3 else 0 end end
                              order by a.attnum) as widths,
                    array_agg(coalesce(st.null_frac, 0)::float8 order by a.attnum) as nulls,
                    array_agg(coalesce(st.n_distinct, 0)::float8 order by a.attnum) as distincts,
                    bool_and(ty.typcategory not in ('A', 'R', 'C')
                             and a.atttypid not in ('numeric'::regtype, 'float4'::regtype, 'float8'::regtype,
                                                    'jsonb'::regtype)) as same_bytes
                from pg_attribute a
                join pg_type ty on ty.oid = a.atttypid
                left join pg_attribute ta
                    on ta.attrelid = t.oid and ta.attnum = i.indkey[a.attnum - 1] and ta.attnum <> 0
                left join pg_stats st
                    on not st.inherited and st.attname = coalesce(ta.attname, a.attname)
                   and (st.schemaname, st.tablename)
                     = (tn.nspname, case when ta.attnum is null then c.relname else t.relname end)
                where a.attrelid = c.oid
            ) stored on true
            left join lateral (
                select o.indexrelid::regclass::text as name from pg_index o join pg_class oc on oc.oid = o.indexrelid
                where o.indrelid = i.indrelid and o.indexrelid <> i.indexrelid and o.indisvalid and i.indisvalid
                  and oc.relam = c.relam
                  and (o.indkey::text, o.indclass::text, o.indcollation::text, o.indoption::text, o.indnkeyatts)
                    = (i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text, i.indnkeyatts)
                  and pg_get_expr(o.indexprs, o.indrelid) is not distinct from pg_get_expr(i.indexprs, i.indrelid)
                  and pg_get_expr(o.indpred, o.indrelid) is not distinct from pg_get_expr(i.indpred, i.indrelid)
                  and not i.indisexclusion and not i.indisreplident
                  and (o.indisprimary, o.indisunique, -o.indexrelid::bigint)
                    > (i.indisprimary, i.indisunique, -i.indexrelid::bigint)
                order by o.indisprimary desc, o.indisunique desc, o.indexrelid limit 1
            ) duplicate on true
            left join lateral (
                select r.ended_at from segdiff.index_rebuilds r
                where r.table_oid = t.oid and r.index_name = format('%I.%I', n.nspname, c.relname)
                  and r.outcome = 'rebuilt'
                order by r.rebuild_id desc limit 1
            ) rebuilt on true
            left join lateral (
                select r.estimate_error from segdiff.index_rebuilds r
                where r.table_oid = t.oid and r.index_name = format('%I.%I', n.nspname, c.relname)
                  and (r.outcome = 'rebuilt'
                       or (r.outcome = 'refuted' and r.ended_at > now() - make_interval(secs => ?)))
                order by r.rebuild_id desc limit 1
            ) known on true
            where c.relkind = 'i'
            """;

    private final MaintainedTables tables;
    private final IndexConfig config;

    IndexQueries(MaintainedTables tables, IndexConfig config) {
        this.tables = tables;
        this.config = config;
    }

    /** All indexes with their bloat as statistics estimate it, the most wasteful first. */
    List<IndexState> all(Session session) {
        return session
                .list(
                        INDEXES,
                        IndexQueries::index,
                        tables.patterns(),
                        config.rebuildAgainAfter().toSeconds())
                .stream()
                .sorted(IndexState.MOST_WASTEFUL_FIRST)
                .toList();
    }

    /**
     * How often a table was read or changed. The number grows with each use, and is 0 if the table does not exist any
     * more.
     */
    long uses(Session session, long tableOid) {
        return session.one("""
                select coalesce(
                    sum(coalesce(seq_scan, 0) + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del), 0)
                from pg_stat_all_tables where relid = ?::oid
                """, row -> row.getLong(1), tableOid);
    }

    /** Whether another session holds a lock on the table now, or waits for one. */
    boolean isInUse(Session session, long tableOid) {
        return session.one("""
                select exists (select from pg_locks l join pg_database d on d.oid = l.database
                               where d.datname = current_database() and l.relation = ?::oid
                                 and l.pid is distinct from pg_backend_pid())
                """, row -> row.getBoolean(1), tableOid);
    }

    private static IndexState index(ResultSet row) throws SQLException {
        long bytes = row.getLong("bytes");
        Double estimate = estimate(row, bytes);
        double error = row.getDouble("estimate_error");
        return new IndexState(
                new TableName(row.getString("nspname"), row.getString("relname")),
                new TableName(row.getString("table_schema"), row.getString("table_name")),
                row.getLong("oid"),
                row.getLong("table_oid"),
                row.getString("amname"),
                bytes,
                estimate != null && error > 0 ? Double.valueOf(estimate / error) : estimate,
                estimate,
                false,
                row.getLong("scans"),
                row.getObject("last_scan", OffsetDateTime.class),
                row.getBoolean("indisvalid"),
                row.getBoolean("has_constraint"),
                row.getBoolean("building"),
                row.getString("duplicate_of"),
                row.getString("untouchable"),
                row.getObject("rebuilt_at", OffsetDateTime.class));
    }

    private static @Nullable Double estimate(ResultSet row, long bytes) throws SQLException {
        if (row.getObject("fill_factor") == null) {
            return null;
        }
        OptionalDouble fresh = new BtreeEstimate(
                        row.getInt("page_size"), row.getInt("fill_factor"), row.getBoolean("deduplicated"))
                .pages(row.getDouble("entries"), Tuple.columns(row));
        return fresh.isEmpty() ? null : Double.valueOf(bytes / row.getDouble("page_size") / fresh.getAsDouble());
    }
}
