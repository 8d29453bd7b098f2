-- The start and the end of a table's audit.

create or replace function segdiff.disable_audit(relation regclass) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    old record;
begin
    for old in
        select t.tgrelid::regclass as relation, t.tgname from pg_trigger t
        where (t.tgrelid = disable_audit.relation
               or t.tgrelid in (select p.relid from pg_partition_tree(disable_audit.relation) p))
          and t.tgname like 'segdiff\_audit\_%' and t.tgparentid = 0
    loop
        execute format('drop trigger %I on %s', old.tgname, old.relation);
    end loop;
    delete from segdiff.audited_tables a where a.relation = disable_audit.relation;
    return found;
end $$;
comment on function segdiff.disable_audit(regclass) is
    'Ends the audit of a table; what was recorded stays. False if it was not audited.';
revoke execute on function segdiff.disable_audit from public;

-- TRUNCATE of a partition fires no trigger of the partitioned table, so each partition gets a TRUNCATE trigger of its
-- own. For partitions that are made later, enable the audit of the table again.
create or replace function segdiff.enable_audit(relation regclass, best_effort boolean, enabled_by text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    kind "char";
    part regclass;
    by_row boolean;
    arguments text := segdiff.audit_arguments(
        enable_audit.relation, case when enable_audit.best_effort then 'best_effort' else 'strict' end);
    auditor oid := (select p.proowner from pg_proc p where p.oid = 'segdiff.audit_truncate'::regproc);
begin
    select c.relkind into kind from pg_class c where c.oid = enable_audit.relation;
    if kind not in ('r', 'p')
       or exists (select from pg_class c where c.oid = enable_audit.relation and c.relispartition) then
        raise exception using errcode = 'wrong_object_type',
            message = format('%s is no table, or a partition of one', enable_audit.relation),
            hint = 'audit the table itself: its partitions are part of it';
    elsif exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                  where c.oid = enable_audit.relation
                    and (n.nspname ~ '^(pg_|information_schema$)'
                         or (n.nspname = 'segdiff' and c.relname ~ '^audit'))) then
        raise exception using errcode = 'wrong_object_type',
            message = format('%s cannot be audited', enable_audit.relation);
    elsif kind = 'r'
          and exists (select from pg_inherits i where enable_audit.relation in (i.inhrelid, i.inhparent)) then
        raise exception using errcode = 'wrong_object_type',
            message = format('%s inherits, or others inherit from it: their rows could not be told apart',
                             enable_audit.relation);
    elsif not has_table_privilege(auditor, enable_audit.relation, 'select') then
        raise exception using errcode = 'insufficient_privilege',
            message = format('role %s may not read %s, which a TRUNCATE is recorded with',
                             auditor::regrole, enable_audit.relation),
            hint = format('grant select on %s to %s', enable_audit.relation, auditor::regrole);
    elsif segdiff.key_columns(enable_audit.relation) is null then
        raise exception using errcode = 'invalid_table_definition',
            message = format('%s has no primary key', enable_audit.relation),
            hint = 'without one its rows cannot be told apart';
    end if;
    by_row := kind = 'p' or enable_audit.best_effort;
    -- The privilege TRIGGER is enough to create the triggers of a table, but only the owner may drop them. So triggers
    -- are dropped only if they record in the other way: by row instead of by statement, or the reverse.
    if exists (select from pg_trigger t where t.tgrelid = enable_audit.relation
               and t.tgname = case when by_row then 'segdiff_audit_update' else 'segdiff_audit_row' end) then
        perform segdiff.disable_audit(enable_audit.relation);
    end if;
    insert into segdiff.audited_tables as a (relation, best_effort, enabled_by)
    values (enable_audit.relation, enable_audit.best_effort, enable_audit.enabled_by)
    on conflict (relation) do update
    set best_effort = excluded.best_effort, enabled_at = excluded.enabled_at, enabled_by = excluded.enabled_by;
    if by_row then
        execute format('create or replace trigger segdiff_audit_row after insert or update or delete on %s '
                       'for each row execute function segdiff.audit_row(%s)',
                       enable_audit.relation, arguments);
    else
        execute format($q$
            create or replace trigger segdiff_audit_insert after insert on %1$s referencing new table as new_rows
            for each statement execute function segdiff.audit_statement(%2$s);
            create or replace trigger segdiff_audit_update after update on %1$s
            referencing old table as old_rows new table as new_rows
            for each statement execute function segdiff.audit_statement(%2$s);
            create or replace trigger segdiff_audit_delete after delete on %1$s referencing old table as old_rows
            for each statement execute function segdiff.audit_statement(%2$s)$q$, enable_audit.relation, arguments);
    end if;
    for part in
        select enable_audit.relation union select p.relid from pg_partition_tree(enable_audit.relation) p
    loop
        execute format('create or replace trigger segdiff_audit_truncate before truncate on %s '
                       'for each statement execute function segdiff.audit_truncate(%s)',
                       part, arguments);
    end loop;
end $$;
comment on function segdiff.enable_audit(regclass, boolean, text) is
    'Records the changes of a table from now on; may be called again.';
revoke execute on function segdiff.enable_audit from public;
