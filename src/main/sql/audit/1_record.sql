-- The trigger functions of audited tables. They run with the rights of their owner, so a role that changes a row needs
-- no rights on the log.

-- Functions of a former version of segdiff, which this version does not need.
drop function if exists segdiff.audited_key(oid, text[]), segdiff.record_change(oid, text[], text, jsonb, jsonb),
    segdiff.revert_changes(oid, bigint[], text), segdiff.revert_change(segdiff.audit_log, text),
    segdiff.row_is(regclass, jsonb), segdiff.differing_rows(oid, bigint[]), segdiff.check_no_cascade(regclass, jsonb),
    segdiff.same_row(oid, jsonb), segdiff.same_key(oid), segdiff.written_columns(oid, jsonb);

create or replace function segdiff.key_columns(relation oid) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
    select array_agg(a.attname::text order by a.attnum)
    from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any ((i.indkey::smallint[])[:i.indnkeyatts - 1])
    where i.indrelid = key_columns.relation and i.indisprimary
$$;
comment on function segdiff.key_columns(oid) is
    'The columns of the primary key, without those that it only includes; null if there is none.';

-- The functions below write a row as r.*, and never as r: in a table with a column named r, r is that column.

-- Records the change of one row. An update that changes the primary key is recorded as two changes: the row leaves its
-- old key (DELETE) and comes to its new key (INSERT).
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
        values (statement, relation, relation::regclass, 'DELETE', old_key, case when moved then new_key end,
                old_row, how.as_text);
    end if;
    if moved or operation = 'INSERT' then
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, moved_key, new_row, as_text)
        values (statement, relation, relation::regclass, 'INSERT', new_key, case when moved then old_key end,
                new_row, how.as_text);
    elsif old_row <> new_row then
        insert into segdiff.audit_log (statement_id, relation, table_name, operation, key, old_row, new_row, as_text)
        values (statement, relation, relation::regclass, 'UPDATE', new_key, old_row, new_row, how.as_text);
    end if;
end $$;
revoke execute on function segdiff.record_row from public;

-- The trigger function of plain tables. It records all rows of a statement at once, in the order in which PostgreSQL
-- changed them. The nth old row became the nth new row.
--
-- In every transaction PostgreSQL prepares each step of this function anew. So the time that the function takes depends
-- mostly on the number of its steps, and the frequent statements are recorded in few steps:
--
-- If JSON keeps all values of the table's rows exactly, the first argument of the trigger is `exact`. This was found
-- out when the trigger was made. It is still true if PostgreSQL has not rewritten the table's file since then, as for a
-- new type of a column, and if the table has no new column (has_column_privilege is null for the number of a column
-- that does not exist). The conditions of the first three statements check this, and that the primary key is the same.
--
-- The update of one row that keeps its primary key is the most frequent statement. It is recorded without pairing old
-- rows with new rows.
create or replace function segdiff.audit_statement() returns trigger
language plpgsql security definer
    set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD' set intervalstyle = 'postgres'
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
        from (select (select to_jsonb(r.*) from old_rows r) as o, (select to_jsonb(r.*) from new_rows r) as n
              offset 0) alone
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
            where not exists (select from new_rows offset 1) and old_key = new_key and o <> n$q$,
            how.key_json, how.row_json)
        using tg_relid, how.as_text;
        get diagnostics recorded = row_count;
        if recorded = 1 then return null; end if;
        changed := $q$
            with pairs as materialized (
                select place, o.key as old_key, n.key as new_key, o.row as old_row, n.row as new_row
                from (select row_number() over () as place, %1$s as key, %2$s as row from old_rows r) o
                join (select row_number() over () as place, %1$s as key, %2$s as row from new_rows r) n using (place))
            select p.place, 1 as step, 'UPDATE' as operation, p.new_key as key, null::jsonb as moved_key,
                p.old_row, p.new_row
            from pairs p where p.old_key = p.new_key and p.old_row <> p.new_row
            union all
            select p.place, 1, 'DELETE', p.old_key, p.new_key, p.old_row, null
            from pairs p where p.old_key <> p.new_key
            union all
            select p.place, 2, 'INSERT', p.new_key, p.old_key, null, p.new_row
            from pairs p where p.old_key <> p.new_key$q$;
    else
        changed := format($q$
            select row_number() over () as place, 1 as step, %L as operation, %%1$s as key, null::jsonb as moved_key,
                %s as old_row, %s as new_row from %s r$q$,
            tg_op, case tg_op when 'DELETE' then '%2$s' else 'null::jsonb' end,
            case tg_op when 'INSERT' then '%2$s' else 'null::jsonb' end,
            case tg_op when 'INSERT' then 'new_rows' else 'old_rows' end);
    end if;
    execute $q$
        insert into segdiff.audit_log
            (statement_id, relation, table_name, operation, key, moved_key, old_row, new_row, as_text)
        select $1, $2, $2::regclass, c.operation, c.key, c.moved_key, c.old_row, c.new_row, $3 from ($q$
        || format(changed, how.key_json, how.row_json) || ') c order by c.place, c.step'
    using nextval('segdiff.audit_statements'), tg_relid, how.as_text;
    return null;
end $$;
revoke execute on function segdiff.audit_statement from public;

-- The trigger function that records row by row. Partitioned tables need it, because their partitions may be changed
-- under their own names, and so do tables with best_effort, where a change is kept even if it cannot be recorded. A row
-- of a partition is recorded as a row of the table that is audited.
create or replace function segdiff.audit_row() returns trigger
language plpgsql security definer
    set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD' set intervalstyle = 'postgres'
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

-- The trigger function that records the rows of a table or partition before TRUNCATE removes them. If there are more
-- than 100,000 rows, recording them would take too long, and TRUNCATE fails. With best_effort, TRUNCATE goes ahead and
-- there is only a warning.
create or replace function segdiff.audit_truncate() returns trigger
language plpgsql security definer
    set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD' set intervalstyle = 'postgres'
    set extra_float_digits = 1 set bytea_output = 'hex' set timezone = 'UTC' set lc_monetary = 'C'
    set row_security = off as $$
declare
    audited oid := coalesce(pg_partition_root(tg_relid), tg_relid);
    most constant integer := 100000;
    rows bigint;
    how record;
begin
    -- A partition that was detached keeps this trigger, but is not part of an audited table any more.
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
        select $1, $2, $2::regclass, 'TRUNCATE', %s, %s, $3 from only %s r$q$,
        how.key_json, how.row_json, tg_relid::regclass)
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
