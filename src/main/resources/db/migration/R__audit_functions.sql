-- The triggers of audited tables. They run with the rights of their owner: whoever may change a row needs no rights on the log.

-- Of a former version.
drop function if exists segdiff.audited_key(oid, text[]), segdiff.record_change(oid, text[], text, jsonb, jsonb),
    segdiff.revert_changes(oid, bigint[], text), segdiff.revert_change(segdiff.audit_log, text), segdiff.row_is(regclass, jsonb),
    segdiff.differing_rows(oid, bigint[]), segdiff.check_no_cascade(regclass, jsonb), segdiff.same_row(oid, jsonb),
    segdiff.same_key(oid), segdiff.written_columns(oid, jsonb);

create or replace function segdiff.key_columns(relation oid) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
    select array_agg(a.attname::text order by a.attnum)
    from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any ((i.indkey::smallint[])[:i.indnkeyatts - 1])
    where i.indrelid = key_columns.relation and i.indisprimary
$$;
comment on function segdiff.key_columns(oid) is 'The columns of the primary key, without those that it only includes; null if there is none.';

-- Rows are written r.*, never r: that would be a column of this name, if the table has one.

-- A row whose key was moved has left one place and come to another.
create or replace function segdiff.record_row(relation oid, arguments text[], operation text, old_record record,
                                              new_record record) returns void
language plpgsql as $$
#variable_conflict use_variable
declare
    how record := segdiff.recording(relation, arguments);
    one_row text := format('select %s, %s from (select ($1).*) r', how.key_json, how.row_json);
    statement bigint := nextval('segdiff.audit_statements');
    old_key jsonb;
    old_row jsonb;
    new_key jsonb;
    new_row jsonb;
    moved boolean;
begin
    if operation <> 'INSERT' then execute one_row into old_key, old_row using old_record; end if;
    if operation <> 'DELETE' then execute one_row into new_key, new_row using new_record; end if;
    moved := operation = 'UPDATE' and old_key <> new_key;
    if moved or operation = 'DELETE' then
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, moved_key, old_row, as_text)
        values (statement, relation, relation::regclass, 'DELETE', old_key, case when moved then new_key end, old_row, how.as_text);
    end if;
    if moved or operation = 'INSERT' then
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, moved_key, new_row, as_text)
        values (statement, relation, relation::regclass, 'INSERT', new_key, case when moved then old_key end, new_row, how.as_text);
    elsif old_row <> new_row then
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, old_row, new_row, as_text)
        values (statement, relation, relation::regclass, 'UPDATE', new_key, old_row, new_row, how.as_text);
    end if;
end $$;
revoke execute on function segdiff.record_row from public;

-- For plain tables: all rows of a statement at once, in the order in which PostgreSQL changed them; the nth old row became
-- the nth new one. The update of one row that keeps its key is the most frequent, and spared the pairing, if JSON keeps all of
-- the row: what it costs is mostly how many steps there are, as PostgreSQL prepares each of them anew in every transaction.
-- That JSON does was found out when the trigger was made: since then no column came, and the table was not written anew.
create or replace function segdiff.audit_statement() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD' set intervalstyle = 'postgres'
    set extra_float_digits = 1 set bytea_output = 'hex' set timezone = 'UTC' set lc_monetary = 'C' as $$
declare
    first_key constant text := tg_argv[9];
    second_key constant text := tg_argv[10];
    how record;
    changed text;
    recorded bigint;
begin
    if tg_argv[0] <> 'exact' or tg_nargs > 11 then
        null;
    elsif tg_op = 'INSERT' then
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, new_row)
        select (select nextval('segdiff.audit_statements')), tg_relid, tg_relid::regclass, 'INSERT',
            case when second_key is null then jsonb_build_object(first_key, n -> first_key)
                else jsonb_build_object(first_key, n -> first_key, second_key, n -> second_key) end, n
        from (select to_jsonb(r.*) as n from new_rows r offset 0) rows
        where pg_relation_filenode(tg_relid) = tg_argv[2]::oid and pg_get_constraintdef(tg_argv[1]::oid) = tg_argv[3]
          and has_column_privilege(tg_relid, tg_argv[4]::smallint, 'select') is null;
        if found then return null; end if;
    elsif tg_op = 'DELETE' then
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, old_row)
        select (select nextval('segdiff.audit_statements')), tg_relid, tg_relid::regclass, 'DELETE',
            case when second_key is null then jsonb_build_object(first_key, o -> first_key)
                else jsonb_build_object(first_key, o -> first_key, second_key, o -> second_key) end, o
        from (select to_jsonb(r.*) as o from old_rows r offset 0) rows
        where pg_relation_filenode(tg_relid) = tg_argv[2]::oid and pg_get_constraintdef(tg_argv[1]::oid) = tg_argv[3]
          and has_column_privilege(tg_relid, tg_argv[4]::smallint, 'select') is null;
        if found then return null; end if;
    else
        insert into segdiff.audit_log (relation, table_name, operation, key, old_row, new_row)
        select tg_relid, tg_relid::regclass, 'UPDATE',
            case when second_key is null then jsonb_build_object(first_key, n -> first_key)
                else jsonb_build_object(first_key, n -> first_key, second_key, n -> second_key) end, o, n
        from (select (select to_jsonb(r.*) from old_rows r) as o, (select to_jsonb(r.*) from new_rows r) as n offset 0) alone
        where not exists (select from new_rows offset 1)
          and pg_relation_filenode(tg_relid) = tg_argv[2]::oid and pg_get_constraintdef(tg_argv[1]::oid) = tg_argv[3]
          and has_column_privilege(tg_relid, tg_argv[4]::smallint, 'select') is null
          and n -> first_key = o -> first_key and (second_key is null or n -> second_key = o -> second_key) and o <> n;
        if found then return null; end if;
    end if;
    how := segdiff.recording(tg_relid, tg_argv);
    if tg_op = 'UPDATE' then
        execute format($q$
            insert into segdiff.audit_log (relation, table_name, operation, key, old_row, new_row, as_text)
            select $1, $1::regclass, 'UPDATE', new_key, o, n, $2
            from (select (select %1$s from old_rows r) as old_key, (select %1$s from new_rows r) as new_key,
                      (select %2$s from old_rows r) as o, (select %2$s from new_rows r) as n offset 0) alone
            where not exists (select from new_rows offset 1) and old_key = new_key and o <> n$q$, how.key_json, how.row_json)
        using tg_relid, how.as_text;
        get diagnostics recorded = row_count;
        if recorded = 1 then return null; end if;
        changed := $q$
            with pairs as materialized (
                select place, o.key as old_key, n.key as new_key, o.row as old_row, n.row as new_row
                from (select row_number() over () as place, %1$s as key, %2$s as row from old_rows r) o
                join (select row_number() over () as place, %1$s as key, %2$s as row from new_rows r) n using (place))
            select p.place, 1 as step, 'UPDATE' as operation, p.new_key as key, null::jsonb as moved_key, p.old_row, p.new_row
            from pairs p where p.old_key = p.new_key and p.old_row <> p.new_row
            union all
            select p.place, 1, 'DELETE', p.old_key, p.new_key, p.old_row, null from pairs p where p.old_key <> p.new_key
            union all
            select p.place, 2, 'INSERT', p.new_key, p.old_key, null, p.new_row from pairs p where p.old_key <> p.new_key$q$;
    else
        changed := format($q$
            select row_number() over () as place, 1 as step, %L as operation, %%1$s as key, null::jsonb as moved_key,
                %s as old_row, %s as new_row from %s r$q$,
            tg_op, case tg_op when 'DELETE' then '%2$s' else 'null::jsonb' end,
            case tg_op when 'INSERT' then '%2$s' else 'null::jsonb' end,
            case tg_op when 'INSERT' then 'new_rows' else 'old_rows' end);
    end if;
    execute $q$
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, moved_key, old_row, new_row, as_text)
        select $1, $2, $2::regclass, c.operation, c.key, c.moved_key, c.old_row, c.new_row, $3 from ($q$
        || format(changed, how.key_json, how.row_json) || ') c order by c.place, c.step'
    using nextval('segdiff.audit_statements'), tg_relid, how.as_text;
    return null;
end $$;
revoke execute on function segdiff.audit_statement from public;

-- For partitioned tables, whose partitions may be changed under their own names, and for those where the change goes first:
-- row by row. Whatever the partition, a row belongs to the table that is audited.
create or replace function segdiff.audit_row() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD' set intervalstyle = 'postgres'
    set extra_float_digits = 1 set bytea_output = 'hex' set timezone = 'UTC' set lc_monetary = 'C' as $$
declare
    audited oid := coalesce(pg_partition_root(tg_relid), tg_relid);
begin
    if tg_argv[0] = 'best_effort' then
        begin
            perform segdiff.record_row(audited, tg_argv, tg_op, old, new);
        exception when others then
            raise warning 'segdiff could not record a change of %: %', audited::regclass, sqlerrm;
        end;
    else
        perform segdiff.record_row(audited, tg_argv, tg_op, old, new);
    end if;
    return null;
end $$;
revoke execute on function segdiff.audit_row from public;

-- Rows are recorded before they are gone; more than can be recorded in reasonable time are not let go.
create or replace function segdiff.audit_truncate() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD' set intervalstyle = 'postgres'
    set extra_float_digits = 1 set bytea_output = 'hex' set timezone = 'UTC' set lc_monetary = 'C' set row_security = off as $$
declare
    audited oid := coalesce(pg_partition_root(tg_relid), tg_relid);
    most constant integer := 100000;
    rows bigint;
    how record;
begin
    -- A partition that was detached is no part of the table any more.
    if not exists (select from segdiff.audited_tables a where a.relation = audited) then return null; end if;
    execute format('select count(*) from (select from only %s limit %s) r', tg_relid::regclass, most + 1) into rows;
    if rows > most then
        raise exception using errcode = 'program_limit_exceeded',
            message = format('to truncate %s would mean to record more than %s rows', tg_relid::regclass, most),
            hint = 'delete them in batches, or end its audit first: segdiff audit disable';
    end if;
    how := segdiff.recording(audited, tg_argv);
    execute format($q$
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, old_row, as_text)
        select $1, $2, $2::regclass, 'TRUNCATE', %s, %s, $3 from only %s r$q$, how.key_json, how.row_json, tg_relid::regclass)
    using nextval('segdiff.audit_statements'), audited, how.as_text;
    return null;
exception when others then
    if tg_argv[0] = 'best_effort' then
        raise warning 'segdiff could not record that % was truncated: %', tg_relid::regclass, sqlerrm;
        return null;
    end if;
    raise;
end $$;
revoke execute on function segdiff.audit_truncate from public;

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
comment on function segdiff.disable_audit(regclass) is 'Ends the audit of a table; what was recorded stays. False if it was not audited.';
revoke execute on function segdiff.disable_audit from public;

-- TRUNCATE fires no trigger of a partition's parent, so each partition has its own; enable it again for those made later.
create or replace function segdiff.enable_audit(relation regclass, best_effort boolean, enabled_by text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    kind "char";
    part regclass;
    by_row boolean;
    arguments text := segdiff.audit_arguments(enable_audit.relation, case when enable_audit.best_effort then 'best_effort' else 'strict' end);
    auditor oid := (select p.proowner from pg_proc p where p.oid = 'segdiff.audit_truncate'::regproc);
begin
    select c.relkind into kind from pg_class c where c.oid = enable_audit.relation;
    if kind not in ('r', 'p') or exists (select from pg_class c where c.oid = enable_audit.relation and c.relispartition) then
        raise exception using errcode = 'wrong_object_type',
            message = format('%s is no table, or a partition of one', enable_audit.relation),
            hint = 'audit the table itself: its partitions are part of it';
    elsif exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                  where c.oid = enable_audit.relation
                    and (n.nspname ~ '^(pg_|information_schema$)' or (n.nspname = 'segdiff' and c.relname ~ '^audit'))) then
        raise exception using errcode = 'wrong_object_type', message = format('%s cannot be audited', enable_audit.relation);
    elsif kind = 'r' and exists (select from pg_inherits i where enable_audit.relation in (i.inhrelid, i.inhparent)) then
        raise exception using errcode = 'wrong_object_type',
            message = format('%s inherits, or others inherit from it: their rows could not be told apart', enable_audit.relation);
    elsif not has_table_privilege(auditor, enable_audit.relation, 'select') then
        raise exception using errcode = 'insufficient_privilege',
            message = format('role %s may not read %s, which a TRUNCATE is recorded with', auditor::regrole, enable_audit.relation),
            hint = format('grant select on %s to %s', enable_audit.relation, auditor::regrole);
    elsif segdiff.key_columns(enable_audit.relation) is null then
        raise exception using errcode = 'invalid_table_definition',
            message = format('%s has no primary key', enable_audit.relation),
            hint = 'without one its rows cannot be told apart';
    end if;
    by_row := kind = 'p' or enable_audit.best_effort;
    -- Only the owner of a table drops its triggers; to make them, the privilege is enough.
    if exists (select from pg_trigger t where t.tgrelid = enable_audit.relation
               and t.tgname = case when by_row then 'segdiff_audit_update' else 'segdiff_audit_row' end) then
        perform segdiff.disable_audit(enable_audit.relation);
    end if;
    insert into segdiff.audited_tables as a (relation, best_effort, enabled_by)
    values (enable_audit.relation, enable_audit.best_effort, enable_audit.enabled_by)
    on conflict (relation) do update
    set best_effort = excluded.best_effort, enabled_at = excluded.enabled_at, enabled_by = excluded.enabled_by;
    if by_row then
        execute format('create or replace trigger segdiff_audit_row after insert or update or delete on %s for each row execute function segdiff.audit_row(%s)',
                       enable_audit.relation, arguments);
    else
        execute format($q$
            create or replace trigger segdiff_audit_insert after insert on %1$s referencing new table as new_rows
            for each statement execute function segdiff.audit_statement(%2$s);
            create or replace trigger segdiff_audit_update after update on %1$s referencing old table as old_rows new table as new_rows
            for each statement execute function segdiff.audit_statement(%2$s);
            create or replace trigger segdiff_audit_delete after delete on %1$s referencing old table as old_rows
            for each statement execute function segdiff.audit_statement(%2$s)$q$, enable_audit.relation, arguments);
    end if;
    for part in
        select enable_audit.relation union select p.relid from pg_partition_tree(enable_audit.relation) p
    loop
        execute format('create or replace trigger segdiff_audit_truncate before truncate on %s for each statement execute function segdiff.audit_truncate(%s)',
                       part, arguments);
    end loop;
end $$;
comment on function segdiff.enable_audit(regclass, boolean, text) is 'Records the changes of a table from now on; may be called again.';
revoke execute on function segdiff.enable_audit from public;

-- History, readable; what changed is column by column.
create or replace view segdiff.audit_history as
    select l.audit_id, l.changed_at, l.relation, l.table_name, l.operation, l.key,
        array(select coalesce(o.key, n.key)
              from jsonb_each(coalesce(l.old_row, '{}')) o full join jsonb_each(coalesce(l.new_row, '{}')) n on n.key = o.key
              where o.value is distinct from n.value order by 1) as changed,
        l.old_row, l.new_row, l.transaction_id, coalesce(l.actor, l.role) as who, l.role, l.application, l.actor, l.run_id, l.undoes
    from segdiff.audit_log l;
comment on view segdiff.audit_history is 'Who changed what: each change of an audited row, and the columns that it changed.';

-- Puts a partition back where the run found it. It is exempt from expiry until it is taken off segdiff.exempt_partitions.
create or replace function segdiff.restore_partition(trash_id bigint, restored_by text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    waiting segdiff.trash;
    name text[];
begin
    select * into waiting from segdiff.trash t
    where t.trash_id = restore_partition.trash_id and t.kind = 'partition' and t.moved_at is not null for update;
    if not found then
        raise exception using errcode = 'no_data_found', message = 'the partition is no longer in the trash';
    end if;
    name := parse_ident(waiting.origin);
    execute format('alter table %s set schema %I', waiting.relation::regclass, name[1]);
    if not exists (select from pg_class c where c.oid = waiting.relation and c.relname = name[2]) then
        execute format('alter table %s rename to %I', waiting.relation::regclass, name[2]);
    end if;
    execute format('alter table %s attach partition %s for values from (%s) to (%s)',
                   (waiting.details ->> 'parent')::regclass, waiting.relation::regclass,
                   coalesce(quote_literal(waiting.details ->> 'from'), 'minvalue'),
                   coalesce(quote_literal(waiting.details ->> 'to'), 'maxvalue'));
    insert into segdiff.exempt_partitions (relation, policy, exempted_by)
    values (waiting.relation, waiting.owner, restored_by)
    on conflict (relation) do update set policy = excluded.policy, exempted_at = now(), exempted_by = excluded.exempted_by;
    delete from segdiff.trash t where t.trash_id = waiting.trash_id;
end $$;
revoke execute on function segdiff.restore_partition from public;

-- Back among the snapshots, where it is an orphan still, and its grace begins anew.
create or replace function segdiff.restore_orphan(trash_id bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    waiting segdiff.trash;
begin
    select * into waiting from segdiff.trash t
    where t.trash_id = restore_orphan.trash_id and t.kind = 'orphan' and t.moved_at is not null for update;
    if not found then
        raise exception using errcode = 'no_data_found', message = 'the table is no longer in the trash';
    end if;
    execute format('alter table %s set schema segdiff', waiting.relation::regclass);
    delete from segdiff.trash t where t.trash_id = waiting.trash_id;
end $$;
revoke execute on function segdiff.restore_orphan from public;

-- The registry is audited from the first day; and whatever was audited before these functions changed has its triggers. Those
-- of a former version work, too: they only take longer, and so may those of a table that is busy, or that is not ours.
do $$
declare
    audited record;
begin
    for audited in
        select a.*, exists (select from pg_trigger t where t.tgrelid = a.relation and t.tgname like 'segdiff\_audit\_%') as has_some
        from segdiff.audited_tables a join pg_class c on c.oid = a.relation
        where not exists (select from pg_trigger t where t.tgrelid = a.relation and t.tgname like 'segdiff\_audit\_%'
                            and (starts_with(encode(t.tgargs, 'escape'), 'exact') or c.relkind = 'p' or a.best_effort
                                 or (segdiff.recording(c.oid)).as_text is not null))
    loop
        begin
            perform segdiff.enable_audit(audited.relation, audited.best_effort, audited.enabled_by);
            update segdiff.audited_tables a set enabled_at = audited.enabled_at where a.relation = audited.relation;
        exception when insufficient_privilege or lock_not_available then
            if not audited.has_some then raise; end if;
        end;
    end loop;
end $$;
