package dev.segdiff.index;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import dev.segdiff.index.IndexReport.Holder;
import dev.segdiff.index.IndexReport.Setting;
import dev.segdiff.index.IndexReport.TableState;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.OptionalDouble;

/** The SQL of the report on tables and indexes. */
@ApplicationScoped
class ReportQueries {
    /**
     * The number of rows is that of the last VACUUM or ANALYZE, or the number that PostgreSQL has counted since, if
     * that is larger. It is unknown for a table without VACUUM and ANALYZE. Rows that were deleted since are included,
     * and are also shown as dead.
     */
    private static final String STATE = """
            select n.nspname, c.relname, c.oid,
                pg_relation_size(c.oid) as bytes, pg_total_relation_size(c.oid) as total_bytes,
                s.n_live_tup, s.n_dead_tup, s.n_mod_since_analyze,
                s.last_vacuum, s.last_autovacuum, s.last_analyze, s.last_autoanalyze,
                age(c.relfrozenxid) as frozen_age, coalesce(c.reloptions, '{}') as settings,
                nullif(concat_ws('; ',
                    case when array_to_string(c.reloptions, ' ') ~ 'autovacuum_enabled=(false|off|0|no)'
                        then 'autovacuum is off for it' end,
                    case when age(c.relfrozenxid)
                              > coalesce(
                                  substring(array_to_string(c.reloptions, ' ')
                                            from 'autovacuum_freeze_max_age=(\\d+)')::bigint,
                                  current_setting('autovacuum_freeze_max_age')::bigint)
                        then 'it is due for a vacuum against wraparound' end,
                    case when s.n_dead_tup > 1000 and s.n_dead_tup > s.n_live_tup
                        then 'more rows are dead than alive' end,
                    case when s.n_mod_since_analyze > 1000
                              and s.last_analyze is null and s.last_autoanalyze is null
                        then 'it was never analyzed' end), '') as unusual,
                current_setting('block_size')::int as page_size,
                case when c.reltuples < 0 or (c.relpages = 0 and pg_relation_size(c.oid) > 0) then -1
                    else greatest(c.reltuples, s.n_live_tup) end as rows,
                coalesce(substring(array_to_string(c.reloptions, ' ') from 'fillfactor=(\\d+)')::int, 100)
                    as fill_factor,
                stored.lengths, stored.aligns, stored.widths, stored.nulls, stored.distincts
            """;

    private static final String STORED = """
            cross join lateral (
                select array_agg(a.attlen::int order by a.attnum) as lengths,
                    array_agg(case a.attalign when 'd' then 8 when 'i' then 4 when 's' then 2 else 1 end
                              order by a.attnum) as aligns,
                    array_agg(st.avg_width order by a.attnum) as widths,
                    array_agg(coalesce(st.null_frac, 0)::float8 order by a.attnum) as nulls,
                    array_agg(coalesce(st.n_distinct, 0)::float8 order by a.attnum) as distincts
                from pg_attribute a
                left join pg_stats st
                    on not st.inherited
                   and (st.schemaname, st.tablename, st.attname) = (n.nspname, c.relname, a.attname)
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            ) stored
            """;

    private final MaintainedTables tables;

    ReportQueries(MaintainedTables tables) {
        this.tables = tables;
    }

    List<TableState> tables(Session session) {
        return session.list(
                MaintainedTables.TABLES + STATE + """
                        from tables join pg_class c using (oid)
                        join pg_namespace n on n.oid = c.relnamespace
                        join pg_stat_all_tables s on s.relid = c.oid
                        """ + STORED + "order by total_bytes desc, 1, 2",
                ReportQueries::table,
                (Object) tables.patterns());
    }

    /** The system's catalogs in which every table that is made or dropped leaves dead rows. */
    List<TableState> catalogs(Session session) {
        return session.list(STATE + """
                from pg_class c join pg_namespace n on n.oid = c.relnamespace
                join pg_stat_all_tables s on s.relid = c.oid
                """ + STORED + """
                where n.nspname = 'pg_catalog'
                  and c.relname in ('pg_class', 'pg_attribute', 'pg_depend', 'pg_type', 'pg_index', 'pg_statistic')
                order by total_bytes desc
                """, ReportQueries::table);
    }

    /** The settings that decide when autovacuum comes and how hard it works. */
    List<Setting> settings(Session session) {
        return session.list(
                """
                select name, setting, case when setting <> '-1' then unit end as unit, case
                    when name = 'autovacuum' and setting = 'off'
                    then 'nothing is vacuumed but against wraparound'
                    when name = 'track_counts' and setting = 'off'
                    then 'autovacuum is blind'
                    when name = 'autovacuum_naptime' and setting::int > 300
                    then 'it looks seldom: default 60 s'
                    when name = 'autovacuum_vacuum_cost_delay' and setting::float8 > 2
                    then 'it works slower than by default (2 ms)'
                    when name = 'autovacuum_vacuum_scale_factor' and setting::float8 > 0.2
                    then 'it comes later than by default (0.2)'
                    when name = 'autovacuum_freeze_max_age' and setting::bigint > 1000000000
                    then 'close to the limit of two billion transactions'
                    when name = 'old_snapshot_threshold' and setting <> '-1'
                    then 'readers may fail, and it slows every page down'
                    when name = 'idle_in_transaction_session_timeout' and setting = '0'
                    then 'a forgotten transaction holds back vacuum for ever'
                    when name = 'maintenance_work_mem' and setting::bigint < 65536
                    then 'less than the default (64 MB): large tables need several passes over their indexes'
                    end as unusual
                from (select name, reset_val as setting, unit from pg_settings) others
                where name like 'autovacuum%'
                   or name in (
                       'track_counts', 'maintenance_work_mem', 'vacuum_cost_limit', 'old_snapshot_threshold',
                       'idle_in_transaction_session_timeout', 'hot_standby_feedback', 'max_slot_wal_keep_size')
                order by name
                """,
                row -> new Setting(
                        row.getString("name"),
                        row.getString("setting"),
                        row.getString("unit"),
                        row.getString("unusual")));
    }

    List<Holder> holders(Session session) {
        return session.list(
                """
                select * from (
                    select 'session' as kind,
                        format('process %s of %s (%s)', pid, coalesce(usename, backend_type),
                               coalesce(nullif(application_name, ''), '?')) as name,
                        greatest(age(backend_xmin), age(backend_xid))::bigint as age, xact_start as since
                    from pg_stat_activity
                    where pid <> pg_backend_pid() and (backend_xmin is not null or backend_xid is not null)
                      and backend_type <> 'walsender'
                    union all
                    select 'prepared_transaction', format('%s of %s', gid, owner), age(transaction), prepared
                    from pg_prepared_xacts
                    union all
                    select 'replication_slot',
                        format('%s (%s)', slot_name, case when active then 'active' else 'inactive' end),
                        greatest(age(xmin), age(catalog_xmin)), null
                    from pg_replication_slots where xmin is not null or catalog_xmin is not null
                    union all
                    select 'standby', application_name, age(backend_xmin), null
                    from pg_stat_replication where backend_xmin is not null
                ) holders order by age desc, kind, name
                """,
                row -> new Holder(
                        row.getString("kind"),
                        row.getString("name"),
                        row.getLong("age"),
                        row.getObject("since", OffsetDateTime.class)));
    }

    private static TableState table(ResultSet row) throws SQLException {
        long bytes = row.getLong("bytes");
        int pageSize = row.getInt("page_size");
        OptionalDouble fresh =
                HeapEstimate.pages(pageSize, row.getDouble("rows"), row.getInt("fill_factor"), Tuple.columns(row));
        return new TableState(
                new TableName(row.getString("nspname"), row.getString("relname")),
                row.getLong("oid"),
                bytes,
                fresh.isEmpty() ? null : Double.valueOf((double) bytes / pageSize / fresh.getAsDouble()),
                false,
                row.getLong("total_bytes"),
                row.getLong("n_live_tup"),
                row.getLong("n_dead_tup"),
                row.getLong("n_mod_since_analyze"),
                row.getObject("last_vacuum", OffsetDateTime.class),
                row.getObject("last_autovacuum", OffsetDateTime.class),
                row.getObject("last_analyze", OffsetDateTime.class),
                row.getObject("last_autoanalyze", OffsetDateTime.class),
                row.getLong("frozen_age"),
                List.of((String[]) row.getArray("settings").getArray()),
                row.getString("unusual"));
    }
}
