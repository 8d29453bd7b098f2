package dev.segdiff.index;

import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;

/** Which tables segdiff looks after: its own, those of the event policies with their partitions, and configured ones. */
@ApplicationScoped
class Scope {
    /** A query of their oids, with one bind. Policies are those that event-expiry has seen; to_regclass would want rights on their schemas. */
    static final String TABLES = """
            with roots as (
                select c.oid, p.key_kind from pg_class c join pg_namespace n on n.oid = c.relnamespace
                left join segdiff.event_policies p on parse_ident(p.relation) = array[n.nspname, c.relname]::text[]
                where p.policy is not null or n.nspname || '.' || c.relname like any (?)
            ), tables as (
                select c.oid from pg_class c
                where c.relkind in ('r', 'm') and c.relpersistence <> 't' and c.relnamespace <> 'pg_catalog'::regnamespace
                  and (c.relnamespace = 'segdiff'::regnamespace
                       or c.oid in (select r.oid from roots r
                                    union select t.relid from roots r cross join lateral pg_partition_tree(r.oid) t))
            )
            """;

    private final IndexConfig config;

    Scope(IndexConfig config) {
        this.config = config;
    }

    /** What to bind. */
    String[] patterns() {
        return config.tables().orElse(List.of()).stream()
                .map(TablePattern::like)
                .toArray(String[]::new);
    }
}
