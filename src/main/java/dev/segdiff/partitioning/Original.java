package dev.segdiff.partitioning;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What PostgreSQL's catalog and statistics know of the table that is to be moved.
 *
 * @param kind {@code relkind}, such as "r"
 * @param persistence {@code relpersistence}: "p" permanent, "u" unlogged, "t" temporary
 * @param rows as the last VACUUM or ANALYZE counted them; negative: neither has run
 * @param columnType the type of the partition key, such as "timestamptz"; null: there is no such column
 * @param distinct the number of different values of the partition key, as ANALYZE estimates it; null: unknown
 * @param writesPerSecond the changed rows a second, on average since statistics were reset; null: they never were
 */
record Original(
        long oid,
        String kind,
        String persistence,
        boolean isPartition,
        boolean typed,
        boolean owned,
        boolean mayCreateSchema,
        boolean hasPrimaryKey,
        double rows,
        @Nullable String columnType,
        boolean notNull,
        boolean generated,
        @Nullable Double distinct,
        @Nullable Double writesPerSecond,
        int serverVersion) {
    private static final String SQL = """
            select c.oid, c.relkind, c.relpersistence, c.relispartition, c.reloftype <> 0 as typed,
                pg_has_role(c.relowner, 'usage') as owned,
                has_database_privilege(current_database(), 'create') as may_create_schema,
                exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'p') as has_primary_key,
                c.reltuples, b.typname, a.attnotnull, a.attgenerated <> '' as generated,
                (case when s.n_distinct < 0 then -s.n_distinct * greatest(c.reltuples, 0) else s.n_distinct end)::float8
                    as distinct_values,
                ((t.n_tup_ins + t.n_tup_upd + t.n_tup_del)
                 / nullif(extract(epoch from now() - d.stats_reset), 0))::float8
                    as writes,
                current_setting('server_version_num')::int / 10000 as server_version
            from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            left join pg_attribute a on a.attrelid = c.oid and a.attname = ? and a.attnum > 0 and not a.attisdropped
            left join pg_type y on y.oid = a.atttypid
            left join pg_type b on b.oid = coalesce(nullif(y.typbasetype, 0), y.oid)
            left join pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname
                and not s.inherited
            left join pg_stat_all_tables t on t.relid = c.oid
            left join pg_stat_database d on d.datname = current_database()
            where n.nspname = ? and c.relname = ?
            """;

    /** Reads the facts; empty if there is no such relation. */
    static Optional<Original> of(Session session, TableName table, Scheme scheme) {
        return session.first(SQL, Original::read, scheme.column().name(), table.schema(), table.name());
    }

    private static Original read(ResultSet row) throws SQLException {
        return new Original(
                row.getLong("oid"),
                row.getString("relkind"),
                row.getString("relpersistence"),
                row.getBoolean("relispartition"),
                row.getBoolean("typed"),
                row.getBoolean("owned"),
                row.getBoolean("may_create_schema"),
                row.getBoolean("has_primary_key"),
                row.getDouble("reltuples"),
                row.getString("typname"),
                row.getBoolean("attnotnull"),
                row.getBoolean("generated"),
                row.getObject("distinct_values", Double.class),
                row.getObject("writes", Double.class),
                row.getInt("server_version"));
    }
}
