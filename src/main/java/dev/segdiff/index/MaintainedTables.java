package dev.segdiff.index;

import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;

/**
 * The tables that index maintenance looks after: segdiff's own, those of the event policies with their partitions, and
 * the configured ones.
 */
@ApplicationScoped
class MaintainedTables {
    /**
     * A query of the oids of these tables, with one bind. The policies are those that event-expiry has recorded. The
     * query does not use to_regclass, which would need rights on the schemas of the tables.
     */
    static final String TABLES = """
            with roots as (
                select c.oid, p.key_kind from pg_class c join pg_namespace n on n.oid = c.relnamespace
                left join segdiff.policy_tables p on p.schema_name = n.nspname and p.table_name = c.relname
                where p.policy is not null or n.nspname || '.' || c.relname like any (?)
            ), tables as (
                select c.oid from pg_class c
                where c.relkind in ('r', 'm') and c.relpersistence <> 't'
                  and c.relnamespace <> 'pg_catalog'::regnamespace
                  and (c.relnamespace = 'segdiff'::regnamespace
                       or c.oid in (select r.oid from roots r
                                    union select t.relid from roots r cross join lateral pg_partition_tree(r.oid) t))
            )
            """;

    /**
     * The SQL condition that this role may vacuum a table and rebuild its indexes: it owns the table, or has the
     * privilege {@code maintain}, which exists from PostgreSQL 17 on.
     *
     * @param table an alias of {@code pg_class}
     */
    static String mayMaintain(String table) {
        return """
               (pg_has_role(%1$s.relowner, 'usage')
                or case when current_setting('server_version_num')::int >= 170000
                       then has_table_privilege(%1$s.oid, 'MAINTAIN') else false end)
               """.formatted(table);
    }

    private final IndexConfig config;

    MaintainedTables(IndexConfig config) {
        this.config = config;
    }

    /** The values to bind. */
    String[] patterns() {
        return config.tables().orElse(List.of()).stream()
                .map(TablePattern::like)
                .toArray(String[]::new);
    }
}
