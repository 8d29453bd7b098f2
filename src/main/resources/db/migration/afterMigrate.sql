-- What has its owner's rights is for those who were given it by name, and for nobody else: whoever may use the schema may
-- call what readers call.
do $$
declare
    reading constant text := 'segdiff.use_segment(bigint, bigint, text), segdiff.read_segment(bigint, bigint, bigint),
        segdiff.net_changes(bigint, bigint, bigint, bigint), segdiff.members(bigint, bigint, bigint), segdiff.horizon(text)';
    definer regprocedure;
    role oid;
begin
    for definer in
        select p.oid from pg_proc p
        where p.pronamespace = 'segdiff'::regnamespace and p.prosecdef and pg_has_role(p.proowner, 'usage')
    loop
        execute format('revoke execute on function %s from public', definer);
    end loop;
    for role in
        select a.grantee from pg_namespace n, aclexplode(n.nspacl) a
        where n.nspname = 'segdiff' and a.privilege_type = 'USAGE' and a.grantee not in (0, n.nspowner)
    loop
        execute format('grant execute on function %s to %s', reading, role::regrole);
    end loop;
end $$;

-- What worker and reader may, where the schema belongs to the owner of ops-runbooks/roles.sql. Runs after every `segdiff migrate`.
do $$
declare
    relation regclass;
    trigger_function regprocedure;
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
    grant execute on function segdiff.use_segment(bigint, bigint, text), segdiff.read_segment(bigint, bigint, bigint),
        segdiff.net_changes(bigint, bigint, bigint, bigint), segdiff.members(bigint, bigint, bigint), segdiff.horizon(text)
        to segdiff_reader;

    -- A row becomes JSON by casts that the owner of the table's types may have written, so that the triggers may do no more
    -- than record it. A TRUNCATE is recorded by reading the table.
    if to_regrole('segdiff_auditor') is not null then
        grant usage, create on schema segdiff to segdiff_auditor;
        grant insert on segdiff.audit_log to segdiff_auditor;
        grant usage on sequence segdiff.audit_ids, segdiff.audit_statements to segdiff_auditor;
        grant select on segdiff.audited_tables, segdiff.segments to segdiff_auditor;
        grant execute on function segdiff.record_row to segdiff_auditor;
        for trigger_function in
            select p.oid from pg_proc p
            where p.pronamespace = 'segdiff'::regnamespace and p.prorettype = 'trigger'::regtype and p.proname ~ '^audit_'
              and p.proowner <> to_regrole('segdiff_auditor')
        loop
            execute format('alter function %s owner to segdiff_auditor', trigger_function);
        end loop;
        revoke create on schema segdiff from segdiff_auditor;
    end if;
end $$;
