package dev.segdiff.partitioning;

import dev.segdiff.db.ColumnName;
import dev.segdiff.db.Session;
import dev.segdiff.partitioning.TableObject.Kind;
import java.util.List;

/** The query of all objects that hang on a table. Each part of the union is one kind of object. */
final class TableObjects {
    /** Objects are found in the catalog of their kind; views, functions and row types by what depends on the table. */
    private static final String SQL = """
            with original as (
                select c.*, n.nspname,
                    coalesce((select a.attnum from pg_attribute a
                              where a.attrelid = c.oid and a.attname = ? and not a.attisdropped), 0) as key
                from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ?::oid),
            row_types as (
                select t.oid from original o join pg_type t on t.oid = o.reltype or t.typelem = o.reltype),
            uses as (
                select d.classid, d.objid, d.objsubid, d.refclassid = 'pg_type'::regclass as of_row_type
                from original o join pg_depend d
                    on (d.refclassid = 'pg_class'::regclass and d.refobjid = o.oid and d.deptype in ('n', 'a'))
                    or (d.refclassid = 'pg_type'::regclass and d.refobjid in (select oid from row_types)
                        and d.deptype = 'n'))
            select case when k.contype = 'p' then 'PRIMARY_KEY' when k.contype = 'x' then 'EXCLUSION_CONSTRAINT'
                        when i.indisunique then 'UNIQUE_KEY' else 'INDEX' end as kind,
                x.relname::text as name,
                array_to_string(array(
                    select a.attname
                    from unnest((i.indkey::smallint[])[:i.indnkeyatts - 1]) with ordinality u (n, place)
                    left join pg_attribute a on a.attrelid = o.oid and a.attnum = u.n and u.n > 0
                    order by u.place), ',', '(expression)') as columns,
                o.key = any ((i.indkey::smallint[])[:i.indnkeyatts - 1]) as with_key,
                false as peculiar
            from original o join pg_index i on i.indrelid = o.oid join pg_class x on x.oid = i.indexrelid
            left join pg_constraint k
                on k.conindid = i.indexrelid and k.conrelid = o.oid and k.contype in ('p', 'u', 'x')
            union all
            select case k.contype when 'c' then 'CHECK_CONSTRAINT' else 'FOREIGN_KEY' end, k.conname, '', false,
                k.contype = 'c' and k.connoinherit
            from original o join pg_constraint k on k.conrelid = o.oid and k.contype in ('c', 'f')
            union all
            select 'REFERENCE', format('%s of %s', k.conname, k.conrelid::regclass),
                array_to_string(array(
                    select a.attname
                    from pg_index i, unnest((i.indkey::smallint[])[:i.indnkeyatts - 1]) with ordinality u (n, place)
                    join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.n
                    where i.indexrelid = k.conindid order by u.place), ','),
                o.key = any (k.confkey), false
            from original o join pg_constraint k on k.confrelid = o.oid and k.contype = 'f' and k.conparentid = 0
            union all
            select 'SEQUENCE', s.oid::regclass::text, '', false, false
            from uses u join pg_class s on u.classid = 'pg_class'::regclass and s.oid = u.objid and s.relkind = 'S'
            union all
            select 'SEQUENCE', d.objid::regclass::text, '', false, false
            from original o join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = o.oid
                and d.classid = 'pg_class'::regclass and d.deptype = 'i'
            join pg_class s on s.oid = d.objid and s.relkind = 'S'
            union all
            select case when t.tgtype & 1 = 1 and t.tgtype & 2 = 2 then 'BEFORE_ROW_TRIGGER' else 'TRIGGER' end,
                t.tgname, '', false,
                t.tgtype & 1 = 1 and (t.tgnewtable is not null or t.tgoldtable is not null)
            from original o join pg_trigger t on t.tgrelid = o.oid and not t.tgisinternal
                and t.tgname not like 'segdiff\\_audit\\_%'
            union all
            select case when r.ev_class = o.oid then 'RULE'
                        when v.relkind = 'm' then 'MATERIALIZED_VIEW' else 'VIEW' end,
                case when r.ev_class = o.oid then r.rulename::text else v.oid::regclass::text end, '', false, false
            from original o, uses u
            join pg_rewrite r on u.classid = 'pg_rewrite'::regclass and r.oid = u.objid
            join pg_class v on v.oid = r.ev_class
            group by 1, 2
            union all
            select 'POLICY', p.polname, '', false, false from original o join pg_policy p on p.polrelid = o.oid
            union all
            select 'PRIVILEGES', r.grantee, '', false, false
            from original o cross join lateral (
                select distinct case a.grantee when 0 then 'public' else a.grantee::regrole::text end as grantee
                from (select o.relacl as acl
                      union all select a.attacl from pg_attribute a where a.attrelid = o.oid) acls,
                    aclexplode(acls.acl) a where a.grantee <> o.relowner) r
            union all
            select 'STORAGE_PARAMETERS', array_to_string(o.reloptions, ', '), '', false, false
            from original o where o.reloptions is not null
            union all
            select 'STATISTICS', s.stxname, '', false, false
            from original o join pg_statistic_ext s on s.stxrelid = o.oid
            union all
            select 'REPLICA_IDENTITY',
                case o.relreplident when 'f' then 'full' when 'n' then 'nothing' else 'using index' end,
                '', false, false
            from original o where o.relreplident <> 'd'
            union all
            select 'PUBLICATION', p.pubname, '', p.pubviaroot, false
            from original o join pg_publication_tables t on t.schemaname = o.nspname and t.tablename = o.relname
            join pg_publication p on p.pubname = t.pubname
            union all
            select case when u.of_row_type then 'ROW_TYPE' else 'FUNCTION' end, p.oid::regprocedure::text,
                '', false, false
            from uses u join pg_proc p on u.classid = 'pg_proc'::regclass and p.oid = u.objid
            group by 1, 2
            union all
            select 'ROW_TYPE', format('%s.%s', a.attrelid::regclass, a.attname), '', false, false
            from uses u join pg_attribute a
                on u.of_row_type and u.classid = 'pg_class'::regclass and a.attrelid = u.objid and a.attnum = u.objsubid
            union all
            select 'INHERITANCE', format('%s inherits %s', i.inhrelid::regclass, i.inhparent::regclass),
                '', false, false
            from original o join pg_inherits i on o.oid in (i.inhrelid, i.inhparent) and o.relkind = 'r'
                and not o.relispartition
            union all
            select 'AUDIT', o.relname, '', false, false
            from original o join segdiff.audited_tables a on a.relation = o.oid
            union all
            select 'EVENT_POLICY', p.policy, '', false, false
            from original o join segdiff.policy_tables p on p.schema_name = o.nspname and p.table_name = o.relname
            order by kind, name
            """;

    private TableObjects() {}

    /** The objects of the table with this oid. */
    static List<TableObject> of(Session session, long tableOid, ColumnName key) {
        return session.list(
                SQL,
                row -> new TableObject(
                        Kind.valueOf(row.getString("kind")),
                        row.getString("name"),
                        row.getString("columns"),
                        row.getBoolean("with_key"),
                        row.getBoolean("peculiar")),
                key.name(),
                tableOid);
    }
}
