package dev.segdiff.index;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;

/** The SQL that finds the tables to vacuum, analyze or freeze, and records what was done. */
@ApplicationScoped
class VacuumQueries {
    /** The kinds of work on a table. */
    enum Kind {
        VACUUM("vacuum (analyze, truncate off) "),
        ANALYZE("analyze "),
        FREEZE("vacuum (freeze, analyze, truncate off) ");

        private final String sql;

        Kind(String sql) {
            this.sql = sql;
        }

        /**
         * The statement of this kind. It does not cut off empty pages at the end of the table, because that needs a
         * lock that keeps out everybody. On the primary, a vacuum gives this lock up when others wait for it, but on a
         * standby nothing does. Autovacuum cuts off these pages.
         */
        String sql(TableName table) {
            return sql + table;
        }

        String column() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * A table for which work is due.
     *
     * @param changes the number of rows that were ever changed, as PostgreSQL counts them
     */
    record Due(TableName table, long oid, Kind kind, long deadRows, long changes) {}

    private static final String OURS = MaintainedTables.TABLES + """
            , ours as (
                select c.oid, n.nspname, c.relname, greatest(c.reltuples, 0) as rows,
                    s.n_live_tup, s.n_dead_tup, s.n_mod_since_analyze,
                    s.n_tup_ins + s.n_tup_upd + s.n_tup_del as changes,
                    array_to_string(c.reloptions, ' ') as options, c.relpartbound
                from tables join pg_class c using (oid)
                join pg_namespace n on n.oid = c.relnamespace
                join pg_stat_all_tables s on s.relid = c.oid
                where """ + MaintainedTables.mayMaintain("c") + """
                  and not exists (select from pg_stat_progress_vacuum p
                                  where p.relid = c.oid and p.datname = current_database())
            )
            """;

    private final MaintainedTables tables;
    private final IndexConfig config;

    VacuumQueries(MaintainedTables tables, IndexConfig config) {
        this.tables = tables;
        this.config = config;
    }

    /**
     * The tables with many dead or changed rows, the worst first. A table whose dead or changed rows have reached the
     * threshold of autovacuum, but not yet twice the threshold, is left to autovacuum, which is about to come. Beyond
     * twice the threshold, autovacuum should have come long ago.
     */
    List<Due> changed(Session session) {
        return session.list(
                OURS + """
                select nspname, relname, oid, case when dead_due then 'VACUUM' else 'ANALYZE' end as kind,
                    n_dead_tup, changes
                from (
                    select o.*,
                        n_dead_tup >= limits.ours
                            and (off or n_dead_tup < limits.autovacuum or n_dead_tup >= 2 * limits.autovacuum)
                            as dead_due,
                        n_mod_since_analyze >= limits.ours
                            and (off or n_mod_since_analyze < limits.autoanalyze
                                 or n_mod_since_analyze >= 2 * limits.autoanalyze)
                            as changed_due
                    from ours o
                    cross join lateral (
                        select current_setting('autovacuum') = 'off'
                            or coalesce(options, '') ~ 'autovacuum_enabled=(false|off|0|no)' as off
                    ) a
                    cross join lateral (
                        select greatest(?, ? * (n_live_tup + n_dead_tup)) as ours,
                            coalesce(
                                substring(options from 'autovacuum_vacuum_threshold=(\\d+)'),
                                current_setting('autovacuum_vacuum_threshold'))::float8
                                + rows * coalesce(
                                    substring(options from 'autovacuum_vacuum_scale_factor=([\\d.e-]+)'),
                                    current_setting('autovacuum_vacuum_scale_factor'))::float8 as autovacuum,
                            coalesce(
                                substring(options from 'autovacuum_analyze_threshold=(\\d+)'),
                                current_setting('autovacuum_analyze_threshold'))::float8
                                + rows * coalesce(
                                    substring(options from 'autovacuum_analyze_scale_factor=([\\d.e-]+)'),
                                    current_setting('autovacuum_analyze_scale_factor'))::float8 as autoanalyze
                    ) limits
                ) due
                where dead_due or changed_due
                order by dead_due desc, greatest(n_dead_tup, n_mod_since_analyze) desc, nspname, relname
                """,
                VacuumQueries::due,
                tables.patterns(),
                config.vacuumMinRows(),
                config.vacuumShare().value());
    }

    /**
     * The partitions of the diffs, and of policies on a time or on UUIDs, whose time has been over for a day. Each is
     * returned once, and again after it was changed. Freezing them now, while their pages are probably still cached,
     * saves PostgreSQL a scan years later at a bad moment.
     */
    List<Due> over(Session session) {
        return session.list(OURS + """
                select nspname, relname, o.oid, 'FREEZE' as kind, n_dead_tup, changes
                from ours o
                join pg_inherits i on i.inhrelid = o.oid
                left join roots p on p.oid = i.inhparent
                cross join lateral (
                    select substring(pg_get_expr(o.relpartbound, o.oid) from 'TO \\(''(.*)''\\)$') as upper
                ) bound
                cross join lateral (select case
                    when i.inhparent = 'segdiff.segment_diffs'::regclass
                         or p.key_kind in ('TIMESTAMPTZ', 'TIMESTAMP', 'DATE')
                    then bound.upper::timestamptz
                    when p.key_kind in ('UUID', 'UUID_TEXT')
                    then to_timestamp(('x' || left(replace(bound.upper, '-', ''), 12))::bit(48)::bigint / 1000.0)
                    end as time) ends
                where ends.time < now() - interval '1 day' and pg_relation_size(o.oid) > 0
                  and not exists (select from segdiff.vacuums v
                                  where v.relation = o.oid and v.kind = 'freeze'
                                    and v.ended_at is not null and v.changes = o.changes)
                order by ends.time, nspname, relname
                """, VacuumQueries::due, (Object) tables.patterns());
    }

    long begin(Session session, long runId, Due due) {
        return session.one(
                """
                insert into segdiff.vacuums (run_id, relation, table_name, kind, dead_before, changes)
                values (?, ?::oid, ?, ?, ?, ?)
                returning vacuum_id
                """,
                row -> row.getLong(1),
                runId,
                due.oid(),
                due.table().plain(),
                due.kind().column(),
                due.deadRows(),
                due.changes());
    }

    /** Deletes old rows that nobody needs any more. */
    void forget(Session session) {
        session.update("""
                delete from segdiff.vacuums v
                where (v.kind <> 'freeze' and v.started_at < now() - interval '1 year')
                   or not exists (select from pg_class c where c.oid = v.relation)
                """);
    }

    void end(Session session, long vacuumId) {
        session.update("update segdiff.vacuums set ended_at = clock_timestamp() where vacuum_id = ?", vacuumId);
    }

    private static Due due(ResultSet row) throws SQLException {
        return new Due(
                new TableName(row.getString("nspname"), row.getString("relname")),
                row.getLong("oid"),
                Kind.valueOf(row.getString("kind")),
                row.getLong("n_dead_tup"),
                row.getLong("changes"));
    }
}
