-- What worker and reader may, where the schema belongs to the owner of ops-runbooks/roles.sql. Runs after every `segdiff migrate`.
do $$
declare
    relation regclass;
begin
    if not exists (select from pg_namespace n where n.nspname = 'segdiff' and n.nspowner = to_regrole('segdiff_owner')
                     and pg_has_role(n.nspowner, 'usage')) then
        return;
    end if;
    -- Snapshots and partitions come and go with every run.
    grant usage, create on schema segdiff, segdiff_trash to segdiff_worker;
    grant execute on all functions in schema segdiff to segdiff_worker;
    grant usage on all sequences in schema segdiff to segdiff_worker;
    for relation in
        select c.oid from pg_class c
        where c.relnamespace = 'segdiff'::regnamespace and c.relkind in ('r', 'v') and not c.relispartition
          and c.relowner <> to_regrole('segdiff_worker') and c.relname <> 'flyway_schema_history'
          and c.relname !~ '^segment_\d+_\d+_\d+$'
    loop
        execute format('grant select, insert, update, delete on %s to segdiff_worker', relation);
    end loop;
    grant select on segdiff.flyway_schema_history to segdiff_worker;
    -- To rebuild an index or to vacuum, PostgreSQL wants the owner, or from 17 on this privilege.
    if current_setting('server_version_num')::int >= 170000 then
        grant maintain on all tables in schema segdiff to segdiff_worker;
    end if;
    -- To attach a partition, to rename a snapshot, to drop either, PostgreSQL wants their owner. Those that were made
    -- before there were these roles change hands.
    for relation in
        select c.oid from pg_class c
        where c.relowner <> to_regrole('segdiff_worker')
          and ((c.relnamespace = 'segdiff'::regnamespace and c.relkind in ('r', 'p')
                and (c.relname ~ '^segment_\d+_\d+_\d+$' or c.relname ~ '^(segment_diffs|audit_log)'))
               or (c.relnamespace = to_regnamespace('segdiff_trash') and c.relname ~ '^segment_\d+_\d+_\d+'
                   and c.relkind = 'r'))
    loop
        execute format('alter table %s owner to segdiff_worker', relation);
    end loop;

    grant usage on schema segdiff to segdiff_reader;
    grant select on segdiff.segment_changes to segdiff_reader;
end $$;
