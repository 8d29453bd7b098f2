-- The triggers of audited tables, and what undoes a change. The triggers run with the rights of their owner: whoever may
-- change a row needs no rights on the log.

create or replace function segdiff.key_columns(relation oid) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
    select array_agg(a.attname::text order by a.attnum)
    from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
    where i.indrelid = key_columns.relation and i.indisprimary
$$;
comment on function segdiff.key_columns(oid) is 'The columns of the primary key; null if there is none.';

-- What a trigger is told when it is made: its mode, the primary key's constraint, its definition, and its columns. While the
-- definition is the same, so are the columns; to ask the catalog each time would cost more than to record a row.
create or replace function segdiff.audited_key(relation oid, arguments text[]) returns text[]
language plpgsql stable as $$
begin
    if pg_get_constraintdef(arguments[1]::oid) = arguments[2] then
        return arguments[3:];
    end if;
    return segdiff.key_columns(relation);
end $$;
revoke execute on function segdiff.audited_key from public;

-- Rows are written r.*, never r: that would be a column of this name, if the table has one.

-- A row whose key was moved has left one place and come to another.
create or replace function segdiff.record_change(relation oid, key_columns text[], operation text, old_row jsonb, new_row jsonb)
returns void
language plpgsql as $$
#variable_conflict use_variable
declare
    statement bigint := nextval('segdiff.audit_statements');
    old_key jsonb;
    new_key jsonb;
    moved boolean;
begin
    select jsonb_object_agg(c, old_row -> c), jsonb_object_agg(c, new_row -> c) into old_key, new_key from unnest(key_columns) c;
    moved := operation = 'UPDATE' and old_key <> new_key;
    if moved or operation = 'DELETE' then
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, moved_key, old_row)
        values (statement, relation, relation::regclass, 'DELETE', old_key, case when moved then new_key end, old_row);
    end if;
    if moved or operation = 'INSERT' then
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, moved_key, new_row)
        values (statement, relation, relation::regclass, 'INSERT', new_key, case when moved then old_key end, new_row);
    elsif old_row <> new_row then
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, old_row, new_row)
        values (statement, relation, relation::regclass, 'UPDATE', new_key, old_row, new_row);
    end if;
end $$;
revoke execute on function segdiff.record_change from public;

-- For plain tables: all rows of a statement at once, in the order in which PostgreSQL changed them; the nth old row became
-- the nth new one. The update of one row that keeps its key is the most frequent, and spared the pairing: what it costs is
-- mostly how many steps there are, as PostgreSQL prepares each of them anew in every transaction.
create or replace function segdiff.audit_statement() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
    set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set extra_float_digits = 1 set bytea_output = 'hex' set timezone = 'UTC' as $$
declare
    first_key constant text := tg_argv[3];
    second_key constant text := tg_argv[4];
    key_columns text[];
    statement bigint;
begin
    if tg_op = 'UPDATE' and tg_nargs <= 5 then
        insert into segdiff.audit_log (relation, table_name, operation, key, old_row, new_row)
        select tg_relid, tg_relid::regclass, 'UPDATE',
            case when second_key is null then jsonb_build_object(first_key, n -> first_key)
                else jsonb_build_object(first_key, n -> first_key, second_key, n -> second_key) end, o, n
        from (select (select to_jsonb(r.*) from old_rows r) as o, (select to_jsonb(r.*) from new_rows r) as n offset 0) alone
        where not exists (select from new_rows offset 1) and pg_get_constraintdef(tg_argv[1]::oid) = tg_argv[2]
          and n -> first_key = o -> first_key and (second_key is null or n -> second_key = o -> second_key) and o <> n;
        if found then return null; end if;
    end if;
    key_columns := segdiff.audited_key(tg_relid, tg_argv);
    statement := nextval('segdiff.audit_statements');
    if tg_op = 'INSERT' then
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, new_row)
        select statement, tg_relid, tg_relid::regclass, 'INSERT', (select jsonb_object_agg(c, n.row -> c) from unnest(key_columns) c), n.row
        from (select row_number() over () as place, to_jsonb(r.*) as row from new_rows r) n order by n.place;
    elsif tg_op = 'DELETE' then
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, old_row)
        select statement, tg_relid, tg_relid::regclass, 'DELETE', (select jsonb_object_agg(c, o.row -> c) from unnest(key_columns) c), o.row
        from (select row_number() over () as place, to_jsonb(r.*) as row from old_rows r) o order by o.place;
    else
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, moved_key, old_row, new_row)
        select statement, tg_relid, tg_relid::regclass, change.operation, change.key, change.moved_key, change.old_row, change.new_row
        from (select row_number() over () as place, to_jsonb(r.*) as row from old_rows r) o
        join (select row_number() over () as place, to_jsonb(r.*) as row from new_rows r) n using (place)
        cross join lateral (select jsonb_object_agg(c, o.row -> c) as old_key, jsonb_object_agg(c, n.row -> c) as new_key
                            from unnest(key_columns) c) k
        cross join lateral (
            select 1 as step, 'UPDATE' as operation, new_key as key, null::jsonb as moved_key, o.row as old_row, n.row as new_row
            where old_key = new_key
            union all
            select 1, 'DELETE', old_key, new_key, o.row, null where old_key <> new_key
            union all
            select 2, 'INSERT', new_key, old_key, null, n.row where old_key <> new_key) change
        where o.row <> n.row
        order by place, change.step;
    end if;
    return null;
end $$;
revoke execute on function segdiff.audit_statement from public;

-- For partitioned tables, whose partitions may be changed under their own names, and for those where the change goes first:
-- row by row. Whatever the partition, a row belongs to the table that is audited.
create or replace function segdiff.audit_row() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
    set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set extra_float_digits = 1 set bytea_output = 'hex' set timezone = 'UTC' as $$
declare
    audited oid := coalesce(pg_partition_root(tg_relid), tg_relid);
    old_row jsonb;
    new_row jsonb;
begin
    if tg_argv[0] = 'best_effort' then
        begin
            if tg_op <> 'INSERT' then old_row := to_jsonb(old); end if;
            if tg_op <> 'DELETE' then new_row := to_jsonb(new); end if;
            perform segdiff.record_change(audited, segdiff.audited_key(audited, tg_argv), tg_op, old_row, new_row);
        exception when others then
            raise warning 'segdiff could not record a change of %: %', audited::regclass, sqlerrm;
        end;
    else
        if tg_op <> 'INSERT' then old_row := to_jsonb(old); end if;
        if tg_op <> 'DELETE' then new_row := to_jsonb(new); end if;
        perform segdiff.record_change(audited, segdiff.audited_key(audited, tg_argv), tg_op, old_row, new_row);
    end if;
    return null;
end $$;
revoke execute on function segdiff.audit_row from public;

-- Rows are recorded before they are gone; more than can be recorded in reasonable time are not let go.
create or replace function segdiff.audit_truncate() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
    set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set extra_float_digits = 1 set bytea_output = 'hex' set timezone = 'UTC' set row_security = off as $$
declare
    audited oid := coalesce(pg_partition_root(tg_relid), tg_relid);
    most constant integer := 100000;
    rows bigint;
begin
    -- A partition that was detached is no part of the table any more.
    if not exists (select from segdiff.audited_tables a where a.relation = audited) then return null; end if;
    execute format('select count(*) from (select from only %s limit %s) r', tg_relid::regclass, most + 1) into rows;
    if rows > most then
        raise exception using errcode = 'program_limit_exceeded',
            message = format('to truncate %s would mean to record more than %s rows', tg_relid::regclass, most),
            hint = 'delete them in batches, or end its audit first: segdiff audit disable';
    end if;
    execute format($q$
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, old_row)
        select $3, $1, $1::regclass, 'TRUNCATE', (select jsonb_object_agg(c, r.row -> c) from unnest($2) c), r.row
        from (select to_jsonb(t.*) as row from only %s t) r$q$, tg_relid::regclass)
    using audited, segdiff.audited_key(audited, tg_argv), nextval('segdiff.audit_statements');
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
    arguments text;
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
    select string_agg(quote_literal(a), ', ' order by place) into arguments
    from pg_constraint c,
        unnest(array[case when enable_audit.best_effort then 'best_effort' else 'strict' end, c.oid::text, pg_get_constraintdef(c.oid)]
               || segdiff.key_columns(c.conrelid)) with ordinality a (a, place)
    where c.conrelid = enable_audit.relation and c.contype = 'p';
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

-- Columns that a row can be written to: those that are still there, and not the generated ones.
create or replace function segdiff.written_columns(relation oid, of_row jsonb) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce(array_agg(a.attname::text order by a.attnum), '{}')
    from pg_attribute a
    where a.attrelid = written_columns.relation and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      and of_row ? a.attname
$$;
revoke execute on function segdiff.written_columns from public;

create or replace function segdiff.same_key(relation oid) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select string_agg(format('t.%1$I = r.%1$I', k), ' and ') from unnest(segdiff.key_columns(relation)) k
$$;
revoke execute on function segdiff.same_key from public;

-- The condition that row t is r, as it was then: columns that came since do not count, nor those that are gone or computed.
create or replace function segdiff.same_row(relation oid, was jsonb) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select format('%1$s and to_jsonb(t.*) - %2$L::text[] = to_jsonb(r.*) - %2$L::text[]', segdiff.same_key(relation),
                  array(select a.attname::text from pg_attribute a
                        where a.attrelid = same_row.relation and a.attnum > 0
                          and a.attname::text <> all (segdiff.written_columns(a.attrelid, was))))
$$;
revoke execute on function segdiff.same_row from public;

-- Whether the row of this key is as it was then; locks it if it is.
create or replace function segdiff.row_is(relation regclass, was jsonb) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp
    set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set extra_float_digits = 1 set bytea_output = 'hex' set timezone = 'UTC' as $$
declare
    same boolean;
begin
    execute format('select true from %1$s t, jsonb_populate_record(null::%1$s, $1) r where %2$s for update of t',
                   relation, segdiff.same_row(relation, was))
    into same using was;
    return coalesce(same, false);
end $$;
revoke execute on function segdiff.row_is from public;

-- Reverts one change: of the very row that it left, or, where the table's own triggers have made another of that meanwhile,
-- of the row of its key. Those triggers run with the search path of the session.
create or replace function segdiff.revert_change(entry segdiff.audit_log, path text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
    set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set extra_float_digits = 1 set bytea_output = 'hex' set timezone = 'UTC' as $$
declare
    relation regclass := entry.relation;
    written text[] := segdiff.written_columns(entry.relation, coalesce(entry.old_row, entry.new_row));
    statement text;
    reverted bigint;
begin
    if entry.operation = 'INSERT' then
        perform segdiff.check_no_cascade(relation, entry.new_row);
        statement := format('delete from %1$s t using jsonb_populate_record(null::%1$s, $1) r where ', relation);
    elsif entry.operation = 'UPDATE' then
        select format('update %1$s t set %2$s from jsonb_populate_record(null::%1$s, $1) r, jsonb_populate_record(null::%1$s, $2) o where ',
                      relation, string_agg(format('%1$I = o.%1$I', c), ', '))
        into statement
        from unnest(written) c join pg_attribute a on a.attrelid = relation and a.attname = c and a.attidentity <> 'a'
        where entry.old_row -> c is distinct from entry.new_row -> c
        having count(*) > 0;
        -- Nothing is left to do when only columns had changed that are gone or computed.
        if statement is null then return; end if;
    else
        statement := format('insert into %1$s (%2$s) overriding system value select %3$s from jsonb_populate_record(null::%1$s, $1) r',
                            relation, (select string_agg(format('%I', c), ', ') from unnest(written) c),
                            (select string_agg(format('r.%I', c), ', ') from unnest(written) c));
        perform set_config('search_path', path, true);
        execute statement using entry.old_row;
        get diagnostics reverted = row_count;
        if reverted = 0 then
            raise exception using errcode = 'SD003', message = 'a trigger of the table kept the row from coming back';
        end if;
        return;
    end if;
    perform set_config('search_path', path, true);
    execute statement || segdiff.same_row(relation, entry.new_row) using entry.new_row, entry.old_row;
    get diagnostics reverted = row_count;
    if reverted = 0 then
        execute statement || segdiff.same_key(relation) using entry.new_row, entry.old_row;
        get diagnostics reverted = row_count;
    end if;
    if reverted <> 1 then
        raise exception using errcode = 'SD003', message = 'the row is gone, or a trigger of the table kept it from changing';
    end if;
end $$;
revoke execute on function segdiff.revert_change from public;

-- A row that came is not taken away together with rows of elsewhere that refer to it since.
create or replace function segdiff.check_no_cascade(relation regclass, gone jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    reference record;
    found_one boolean;
begin
    for reference in
        select c.conrelid::regclass as child, c.conname,
            (select string_agg(format('c.%I = r.%I', child.attname, parent.attname), ' and ')
             from unnest(c.conkey, c.confkey) as k (child_column, parent_column)
             join pg_attribute child on child.attrelid = c.conrelid and child.attnum = k.child_column
             join pg_attribute parent on parent.attrelid = c.confrelid and parent.attnum = k.parent_column) as matching
        from pg_constraint c
        where c.contype = 'f' and c.confrelid = relation and c.confdeltype in ('c', 'n', 'd') and c.conparentid = 0
    loop
        execute format('select exists (select from %s c, jsonb_populate_record(null::%s, $1) r where %s)',
                       reference.child, relation, reference.matching)
        into found_one using gone;
        if found_one then
            raise exception using errcode = 'SD003',
                message = format('rows of %s refer to it and would go, or lose it, with it (%s)', reference.child, reference.conname);
        end if;
    end loop;
end $$;
revoke execute on function segdiff.check_no_cascade from public;

-- Reverts changes of one table, in the reverse of the order in which PostgreSQL made them, and answers those that cannot be,
-- with the reason; then the caller undoes the rest. A row that was changed again by what is not to be reverted is in conflict,
-- and so is one that is not as the audit knows it. Within a transaction, what is refused is tried again after the others:
-- foreign keys had to hold at the end of a statement only, or of all.
create or replace function segdiff.revert_changes(relation oid, audit_ids bigint[], path text) returns table (audit_id bigint, reason text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    entry segdiff.audit_log;
    newest bigint[];
    pending bigint[];
    failed bigint[];
    waiting bigint[];
    failed_keys jsonb[];
    reasons text[];
    stuck jsonb[] := '{}';
    details text;
begin
    return query
        with story as (
            select l.audit_id, lead(l.audit_id) over (partition by l.key order by l.audit_id) as later
            from segdiff.audit_log l
            where l.relation = revert_changes.relation and l.audit_id >= (select min(id) from unnest(audit_ids) id))
        select s.audit_id, format('changed again by %s in transaction %s%s', coalesce(later.actor, later.role), later.transaction_id,
                                  ' (undo of ' || later.undoes || ')')
        from story s
        join unnest(audit_ids) meant on meant = s.audit_id
        left join unnest(audit_ids) too on too = s.later
        join segdiff.audit_log later on later.relation = revert_changes.relation and later.audit_id = s.later
        where too is null;
    if found then return; end if;
    newest := array(select max(e.audit_id) from segdiff.audit_log e join unnest(audit_ids) id on e.audit_id = id
                    where e.relation = revert_changes.relation group by e.key);
    for entry in
        select l.* from segdiff.audit_log l join unnest(newest) id on l.audit_id = id
        where l.relation = revert_changes.relation and l.new_row is not null
    loop
        if not segdiff.row_is(entry.relation, entry.new_row) then
            audit_id := entry.audit_id;
            reason := 'not as the audit knows it';
            return next;
        end if;
    end loop;
    if audit_id is not null then return; end if;
    for pending in
        select array_agg(l.audit_id) from segdiff.audit_log l join unnest(audit_ids) id on l.audit_id = id
        where l.relation = revert_changes.relation group by l.transaction_id order by max(l.audit_id) desc
    loop
        loop
            failed := '{}';
            waiting := '{}';
            failed_keys := '{}';
            reasons := '{}';
            for entry in
                select l.* from segdiff.audit_log l join unnest(pending) id on l.audit_id = id
                where l.relation = revert_changes.relation order by l.audit_id desc
            loop
                -- A later change of the row could not be taken back, in a later transaction or as yet.
                continue when entry.key = any (stuck);
                if entry.key = any (failed_keys) then
                    waiting := waiting || entry.audit_id;
                    continue;
                end if;
                begin
                    perform segdiff.revert_change(entry, path);
                exception when others then
                    -- Not of the row's making: a lock, a deadlock, resources, an operator, the connection.
                    if sqlstate ~ '^(08|40|53|55|57|58|XX)' then raise; end if;
                    get stacked diagnostics details = pg_exception_detail;
                    failed := failed || entry.audit_id;
                    failed_keys := failed_keys || entry.key;
                    reasons := reasons || concat_ws(': ', sqlerrm, nullif(details, ''));
                end;
            end loop;
            exit when failed = '{}' or cardinality(failed || waiting) = cardinality(pending);
            pending := failed || waiting;
        end loop;
        stuck := stuck || failed_keys;
        return query select u.id, u.why from unnest(failed, reasons) as u (id, why);
    end loop;
    begin
        set constraints all immediate;
    exception when integrity_constraint_violation then
        get stacked diagnostics details = pg_exception_detail;
        audit_id := (select max(id) from unnest(audit_ids) id);
        reason := concat_ws(': ', sqlerrm, nullif(details, ''));
        return next;
    end;
end $$;
revoke execute on function segdiff.revert_changes from public;

-- Rows that are not as they were before these changes, although those were reverted: triggers of the table have a say, too.
create or replace function segdiff.differing_rows(relation oid, audit_ids bigint[]) returns bigint
language sql set search_path = pg_catalog, pg_temp as $$
    select count(*) from (
        select distinct on (e.key) e.* from segdiff.audit_log e join unnest(audit_ids) id on e.audit_id = id
        where e.relation = differing_rows.relation order by e.key, e.audit_id
    ) oldest
    where oldest.old_row is not null and not segdiff.row_is(oldest.relation, oldest.old_row)
$$;
revoke execute on function segdiff.differing_rows from public;

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

-- The registry is audited from the first day; and whatever was audited before these functions changed has its triggers.
do $$
declare
    audited segdiff.audited_tables;
begin
    for audited in
        select a.* from segdiff.audited_tables a join pg_class c on c.oid = a.relation
        where not exists (select from pg_trigger t where t.tgrelid = a.relation and t.tgname like 'segdiff\_audit\_%')
    loop
        perform segdiff.enable_audit(audited.relation, audited.best_effort, audited.enabled_by);
    end loop;
end $$;
