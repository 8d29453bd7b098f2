-- What takes recorded changes back, thousands of rows a statement. A row goes from its last recorded value straight to its first
-- old one: what it was in between need not hold again. The names of relations, columns and types are PostgreSQL's own.

set local check_function_bodies = off;

-- The equality of the key's own operator class, wherever that is.
create function segdiff.key_matches(relation oid) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select string_agg(format('t.%1$I operator(%2$s) r.%1$I', a.attname, coalesce(o.equal, 'pg_catalog.=')), ' and ')
    from pg_index i
    cross join unnest((i.indkey::smallint[])[:i.indnkeyatts - 1], i.indclass::oid[]) k (attnum, class)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
    left join lateral (
        select format('%I.%s', n.nspname, op.oprname) as equal
        from pg_opclass c join pg_am m on m.oid = c.opcmethod and m.amname = 'btree'
        join pg_amop e on e.amopfamily = c.opcfamily and e.amopstrategy = 3
            and e.amoplefttype = c.opcintype and e.amoprighttype = c.opcintype
        join pg_operator op on op.oid = e.amopopr join pg_namespace n on n.oid = op.oprnamespace
        where c.oid = k.class) o on true
    where i.indrelid = key_matches.relation and i.indisprimary
$$;

-- Recorded rows, as e, and their columns by name and of today's type, as r: as many as $1 has numbers of changes.
create function segdiff.recorded_rows(relation oid, side text, columns text[], as_text text[], ids text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    with of_row as (
        select a.attnum, quote_ident(a.attname) as name, format_type(a.atttypid, a.atttypmod) as type,
            coalesce(a.attname::text = any (as_text), false)
                and segdiff.base_type(a.atttypid) in ('json'::regtype, 'jsonb'::regtype) as json_text
        from pg_attribute a
        where a.attrelid = recorded_rows.relation and a.attnum > 0 and not a.attisdropped
          and a.attname::text = any (columns || segdiff.key_columns(a.attrelid)))
    select format($q$(select l.audit_id, l.%1$I as recorded, u.place
                      from unnest(%2$s) with ordinality u (id, place) join segdiff.audit_log l on l.audit_id = u.id
                      where l.relation = %3$s and l.changed_at between $2 and $3) e
                     cross join lateral (select %4$s from pg_catalog.jsonb_to_record(e.recorded) as v (%5$s)) r$q$,
        side, ids, relation,
        string_agg(format(case when json_text then 'v.%1$s::%2$s as %1$s' else 'v.%1$s' end, name, type), ', ' order by attnum),
        string_agg(name || ' ' || case when json_text then 'pg_catalog.text' else type end, ', ' order by attnum))
    from of_row
$$;

-- The condition that row t is r, as it was then: columns that came since do not count, nor those that are gone or computed.
-- Rows that were recorded before their values were told apart are compared as they were recorded.
create function segdiff.row_matches(relation oid, columns text[], as_text text[]) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce(string_agg(one.same, ' and '), 'true')
    from pg_attribute a
    cross join lateral (
        select case when as_text is null then format('to_jsonb(t.%1$I) is not distinct from to_jsonb(r.%1$I)', a.attname)
                   else format('%s is not distinct from %s',
                               coalesce(segdiff.text_of(a.atttypid, format('t.%I', a.attname)), format('to_jsonb(t.%I)', a.attname)),
                               coalesce(segdiff.text_of(a.atttypid, format('r.%I', a.attname)), format('to_jsonb(r.%I)', a.attname)))
               end) one (same)
    where a.attrelid = row_matches.relation and a.attname::text = any (columns)
$$;

-- Columns that a row can be written to: those that are still there, and not the generated ones.
create function segdiff.writable_columns(relation oid, recorded text[]) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce(array_agg(a.attname::text order by a.attnum), '{}')
    from pg_attribute a
    where a.attrelid = writable_columns.relation and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      and a.attname::text = any (recorded)
$$;

-- Of these changes, those whose row is now as it was before, or after; locks these rows.
create function segdiff.rows_that_are(relation regclass, side text, audit_ids bigint[], since timestamptz, until timestamptz)
returns setof bigint
language plpgsql set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD' set intervalstyle = 'postgres'
    set extra_float_digits = 1 set bytea_output = 'hex' set timezone = 'UTC' set lc_monetary = 'C' set xmloption = 'content'
    set array_nulls = on as $$
declare
    shape record;
    columns text[];
begin
    for shape in
        execute format($q$
            select recorded, as_text, array_agg(audit_id) as ids
            from (select l.audit_id, l.as_text, array(select jsonb_object_keys(l.%1$I)) as recorded
                  from unnest($1) u (id) join segdiff.audit_log l on l.audit_id = u.id
                  where l.relation = $2 and l.changed_at between $3 and $4 and l.%1$I is not null) rows
            group by 1, 2$q$, side) using audit_ids, relation, since, until
    loop
        columns := segdiff.writable_columns(relation, shape.recorded);
        return query execute format('select e.audit_id from %s t, %s where %s and %s for update of t', relation,
                                    segdiff.recorded_rows(relation, side, columns, shape.as_text, '$1'),
                                    segdiff.key_matches(relation), segdiff.row_matches(relation, columns, shape.as_text))
            using shape.ids, since, until;
    end loop;
end $$;
revoke execute on function segdiff.rows_that_are from public;

-- Rows that came are not taken away together with rows of elsewhere that refer to them since.
create function segdiff.check_nothing_goes_along(relation regclass, columns text[], as_text text[], ids bigint[], since timestamptz,
                                         until timestamptz) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    gone constant text := segdiff.recorded_rows(relation, 'new_row', columns, as_text, '$1');
    reference record;
    found_one boolean;
begin
    for reference in
        select c.conrelid, c.conname, string_agg(format('c.%I = r.%I', child.attname, parent.attname), ' and ') as matching
        from pg_constraint c
        cross join unnest(c.conkey, c.confkey) as k (child_column, parent_column)
        join pg_attribute child on child.attrelid = c.conrelid and child.attnum = k.child_column
        join pg_attribute parent on parent.attrelid = c.confrelid and parent.attnum = k.parent_column
        where c.contype = 'f' and c.confrelid = relation and c.confdeltype in ('c', 'n', 'd') and c.conparentid = 0
        group by c.oid
    loop
        execute format($q$
            with gone as materialized (select r.* from %s)
            select exists (select from gone r join %s c on %s %s)$q$, gone, reference.conrelid::regclass, reference.matching,
            case when reference.conrelid = relation
                then (select format('where (%s) not in (select %s from gone r)', string_agg(format('c.%I', k), ', '),
                                    string_agg(format('r.%I', k), ', ')) from unnest(segdiff.key_columns(relation)) k) end)
        into found_one using ids, since, until;
        if found_one then
            raise exception using errcode = 'SD003', message = format('rows of %s refer to it and would go, or lose it, with it (%s)',
                                                                      reference.conrelid::regclass, reference.conname);
        end if;
    end loop;
end $$;
revoke execute on function segdiff.check_nothing_goes_along from public;

-- Takes rows back from how their last change left them to how they were before the first, all in one statement: foreign keys
-- hold at its end, and what is unique is given free before it is taken. An error if one of them does not go. Triggers of the
-- table run with the search path of the session.
create function segdiff.revert_rows(relation regclass, first_ids bigint[], last_ids bigint[], since timestamptz, until timestamptz,
                                    path text) returns void
language plpgsql set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD' set intervalstyle = 'postgres'
    set extra_float_digits = 1 set bytea_output = 'hex' set timezone = 'UTC' set lc_monetary = 'C' set xmloption = 'content'
    set array_nulls = on as $$
declare
    shape record;
    columns text[];
    statements text[] := '{}';
    ids bigint[] := '{}';
    these text;
    expected bigint := 0;
    reverted bigint;
begin
    for shape in
        select kind, recorded, as_text, changed, array_agg(id order by place) as ids, count(*) as rows
        from (select u.place, kind, case kind when 'delete' then last.audit_id else first.audit_id end as id,
                  case kind when 'delete' then last.as_text else first.as_text end as as_text,
                  array(select jsonb_object_keys(case kind when 'delete' then last.new_row else first.old_row end)) as recorded,
                  case kind when 'update' then
                      array(select o.key from jsonb_each(first.old_row) o where o.value is distinct from last.new_row -> o.key)
                  end as changed
              from unnest(first_ids, last_ids) with ordinality u (first_id, last_id, place)
              join segdiff.audit_log first on first.audit_id = u.first_id
              join segdiff.audit_log last on last.audit_id = u.last_id
              cross join lateral (
                  select case when first.old_row is null then 'delete' when last.new_row is null then 'insert' else 'update' end) k (kind)
              where first.relation = revert_rows.relation and first.changed_at between since and until
                and last.relation = revert_rows.relation and last.changed_at between since and until
                and num_nulls(first.old_row, last.new_row) < 2) rows
        group by kind, recorded, as_text, changed order by kind
    loop
        columns := segdiff.writable_columns(relation, shape.recorded);
        these := format('$1[%s:%s]', cardinality(ids) + 1, cardinality(ids) + shape.rows);
        if shape.kind = 'delete' then
            perform segdiff.check_nothing_goes_along(relation, columns, shape.as_text, shape.ids, since, until);
            statements := statements || format('delete from %s t using %s where %s', relation,
                segdiff.recorded_rows(relation, 'new_row', columns, shape.as_text, these),
                segdiff.key_matches(relation));
        elsif shape.kind = 'update' then
            -- Nothing is left to do when only columns had changed that are gone or computed.
            columns := array(select a.attname from pg_attribute a where a.attrelid = relation and a.attname::text = any (columns)
                             and a.attname::text = any (shape.changed) and a.attidentity <> 'a' order by a.attnum);
            continue when columns = '{}';
            statements := statements || format('update %s t set %s from %s where %s', relation,
                (select string_agg(format('%1$I = r.%1$I', c), ', ') from unnest(columns) c),
                segdiff.recorded_rows(relation, 'old_row', columns, shape.as_text, these),
                segdiff.key_matches(relation));
        else
            statements := statements || format(
                'insert into %s (%s) overriding system value select %s from %s order by e.place', relation,
                (select string_agg(quote_ident(c), ', ') from unnest(columns) c),
                (select string_agg(format('r.%I', c), ', ') from unnest(columns) c),
                segdiff.recorded_rows(relation, 'old_row', columns, shape.as_text, these));
        end if;
        ids := ids || shape.ids;
        expected := expected + shape.rows;
    end loop;
    if expected = 0 then return; end if;
    perform set_config('search_path', path, true);
    execute (select format('with %s select %s',
                           string_agg(format('s%s as (%s returning 1)', n, one), ', ' order by n),
                           string_agg(format('(select pg_catalog.count(*) from s%s)', n), ' + ' order by n))
             from unnest(statements) with ordinality s (one, n))
    into reverted using ids, since, until;
    if reverted <> expected then
        raise exception using errcode = 'SD003',
            message = 'the row is gone, or a trigger of the table kept it from changing or coming back';
    end if;
end $$;
revoke execute on function segdiff.revert_rows from public;

-- The last changes of those rows that cannot be taken back, and why: of all of them, if one stands in the way, or after those
-- were divided until they can be.
create function segdiff.try_to_revert(relation regclass, first_ids bigint[], last_ids bigint[], since timestamptz,
                                      until timestamptz, path text, divide boolean)
returns table (last_id bigint, reason text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    half integer := cardinality(last_ids) / 2;
    details text;
begin
    perform segdiff.revert_rows(relation, first_ids, last_ids, since, until, path);
exception when others then
    -- Not of the rows' making: a lock, a deadlock, resources, an operator, the connection.
    if sqlstate ~ '^(08|40|53|55|57|58|XX)' then raise; end if;
    if divide and half > 0 then
        return query select * from segdiff.try_to_revert(relation, first_ids[:half], last_ids[:half], since, until, path, true);
        return query select * from segdiff.try_to_revert(relation, first_ids[half + 1:], last_ids[half + 1:], since, until, path, true);
    else
        get stacked diagnostics details = pg_exception_detail;
        return query select id, concat_ws(': ', sqlerrm, nullif(details, '')) from unnest(last_ids) id;
    end if;
end $$;
revoke execute on function segdiff.try_to_revert from public;

-- What cannot be taken back straight, change by change, in the reverse of the order in which PostgreSQL made them: values that
-- rows have exchanged by way of a third. What is refused is tried again after the others.
create function segdiff.revert_stepwise(relation regclass, audit_ids bigint[], since timestamptz, until timestamptz, path text)
returns table (audit_id bigint, reason text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    pending bigint[] := audit_ids;
    refused bigint[];
    reasons text[];
    stuck jsonb[];
    change record;
    why text;
begin
    loop
        refused := '{}';
        reasons := '{}';
        stuck := '{}';
        for change in
            select l.audit_id, l.key from segdiff.audit_log l
            where l.relation = revert_stepwise.relation and l.changed_at between since and until and l.audit_id = any (pending)
            order by l.audit_id desc
        loop
            why := null;
            if change.key <> all (stuck) then
                select r.reason into why
                from segdiff.try_to_revert(relation, array[change.audit_id], array[change.audit_id], since, until, path, false) r;
                continue when not found;
                stuck := stuck || change.key;
            end if;
            refused := refused || change.audit_id;
            reasons := reasons || why;
        end loop;
        exit when refused = '{}' or cardinality(refused) = cardinality(pending);
        pending := refused;
    end loop;
    return query select u.id, u.why from unnest(refused, reasons) as u (id, why) where u.why is not null;
end $$;
revoke execute on function segdiff.revert_stepwise from public;

create function segdiff.broken_constraint() returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    details text;
begin
    set constraints all immediate;
    return null;
exception when integrity_constraint_violation then
    get stacked diagnostics details = pg_exception_detail;
    return concat_ws(': ', sqlerrm, nullif(details, ''));
end $$;
comment on function segdiff.broken_constraint() is 'What a constraint that was deferred finds now; null if nothing.';
