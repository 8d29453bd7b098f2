-- What is recorded of a row tells any two values apart, and comes back bit by bit. As JSON, 1.0 is 1.00, minus zero is zero,
-- SQL's null is JSON's, and an array has no bounds. What JSON does not keep is recorded as text, as the output function of
-- its type writes it. (These functions are here and not in a file of their own that is applied again whenever it changed:
-- after a rollback, the former segdiff would miss such a file, and refuse to work.)

-- Whoever changes an audited row waits for this, and this for whoever reads the log: it gives up soon, and may be tried again.
set local lock_timeout = '5s';
-- Functions call others that come with the files that are applied again.
set local check_function_bodies = off;

alter table segdiff.audit_log add column as_text text[];
comment on column segdiff.audit_log.as_text is
    'The columns whose values are recorded as text, as PostgreSQL writes them; of the others JSON keeps all. Null: none.';

-- A number and text are of different types. Domains are of the type that they are over.
create function segdiff.base_type(type oid) returns oid
language plpgsql stable as $$
declare
    base oid := type;
    over oid;
begin
    loop
        select t.typbasetype into over from pg_catalog.pg_type t where t.oid = base and t.typtype = 'd';
        if not found then return base; end if;
        base := over;
    end loop;
end $$;
comment on function segdiff.base_type(oid) is 'The type itself, or what a domain is over in the end.';

-- The text of a value as an expression; null where JSON keeps all of it. JSON has text for whatever is not a number, a truth,
-- JSON, an array or a composite. Types of others may have a cast to json that does as it likes, today or tomorrow. xml loses
-- its declaration when it is written, and the name of an operator or a function may be that of several.
create function segdiff.text_of(type oid, value text) returns text
language plpgsql stable as $$
declare
    base oid := segdiff.base_type(type);
    element oid := (select segdiff.base_type(t.typelem) from pg_catalog.pg_type t
                    where t.oid = base and t.typsubscript = 'pg_catalog.array_subscript_handler'::regproc and t.typelem <> 0);
    text_like text := value;
begin
    if coalesce(element, base) = 'xml'::regtype then
        text_like := value || case when element is null then '::xml::text' else '::xml[]::text[]' end;
    elsif coalesce(element, base) in ('regproc'::regtype, 'regoper'::regtype) then
        text_like := value || case when element is null then '::oid' else '::oid[]' end;
    elsif element is null and base < 16384
        and base <> all ('{numeric, float4, float8, json, jsonb, money}'::regtype[])
        and exists (select from pg_catalog.pg_type t where t.oid = base and t.typtype <> 'c') then
        return null;
    end if;
    return format('case num_nulls(%s) when 0 then format(''%%s'', %s) end', value, text_like);
end $$;
comment on function segdiff.text_of(oid, text) is
    'An expression for the whole of a value of this type, as text; null if its JSON says all.';

-- jsonb_build_object takes 100 arguments.
create function segdiff.json_object_of(names text[], value_expressions text[]) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select coalesce(string_agg(part, ' || ' order by portion), '''{}''::jsonb')
    from (select (place - 1) / 40 as portion,
              format('jsonb_build_object(%s)', string_agg(format('%L, %s', name, value), ', ' order by place)) as part
          from unnest(names, value_expressions) with ordinality u (name, value, place) group by 1) parts
$$;
comment on function segdiff.json_object_of(text[], text[]) is 'An expression for a JSON object of these names and values.';

create function segdiff.columns_of(relation oid) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return (select string_agg(a.attname || ' ' || a.atttypid, ',' order by a.attnum) from pg_attribute a
            where a.attrelid = columns_of.relation and a.attnum > 0 and not a.attisdropped);
end $$;
comment on function segdiff.columns_of(oid) is 'The columns of a table and their types, to see whether they are still the same.';

-- As expressions over r. Keys that are equal for PostgreSQL are equal in the log: 1.0 and 1.00 are the same number.
create function segdiff.recording(relation oid, out key_columns text[], out key_json text, out row_json text, out as_text text[])
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    names text[];
    row_values text[];
    key_values text[];
begin
    key_columns := segdiff.key_columns(relation);
    select array_agg(c.name order by c.place), array_agg(coalesce(c.text, c.value) order by c.place),
        array_agg(c.name order by c.place) filter (where c.text is not null),
        array_agg(case when c.numeric then c.value else coalesce(c.text, c.value) end
                  order by array_position(key_columns, c.name)) filter (where c.name = any (key_columns))
    into names, row_values, as_text, key_values
    from (select a.attnum as place, a.attname::text as name, v.value, segdiff.text_of(a.atttypid, v.value) as text,
              segdiff.base_type(a.atttypid) = any ('{numeric, float4, float8}'::regtype[]) as numeric
          from pg_attribute a cross join lateral (select format('r.%I', a.attname)) v (value)
          where a.attrelid = recording.relation and a.attnum > 0 and not a.attisdropped) c;
    key_json := segdiff.json_object_of(key_columns, key_values);
    row_json := case when as_text is null then 'to_jsonb(r.*)' else segdiff.json_object_of(names, row_values) end;
end $$;
comment on function segdiff.recording(oid) is 'How a row of the table is recorded.';

-- What a trigger is told when it is made: its mode (exact, if JSON keeps all of a row), the primary key's constraint, the
-- table's file, the constraint's definition, the number that no column has yet, the columns, and how a row is recorded.
create function segdiff.audit_arguments(relation oid, mode text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select string_agg(quote_literal(coalesce(a, '')), ', ' order by place)
    from pg_constraint c join pg_class t on t.oid = c.conrelid cross join segdiff.recording(t.oid) r,
        unnest(array[case when audit_arguments.mode = 'strict' and t.relkind = 'r' and r.as_text is null then 'exact'
                         else audit_arguments.mode end,
                     c.oid::text, pg_relation_filenode(t.oid)::text, pg_get_constraintdef(c.oid), (t.relnatts + 1)::text,
                     segdiff.columns_of(t.oid), r.key_json, r.row_json, r.as_text::text]
               || r.key_columns) with ordinality a (a, place)
    where c.conrelid = audit_arguments.relation and c.contype = 'p'
$$;
comment on function segdiff.audit_arguments(oid, text) is 'The arguments of the triggers of an audited table.';

-- To find out anew takes longer than to record a row. The triggers of a former version were told less.
create function segdiff.recording(relation oid, arguments text[], out key_json text, out row_json text, out as_text text[])
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    if segdiff.columns_of(relation) = arguments[5] and pg_get_constraintdef(arguments[1]::oid) = arguments[3] then
        key_json := arguments[6];
        row_json := arguments[7];
        as_text := nullif(arguments[8], '');
    else
        select r.key_json, r.row_json, r.as_text into key_json, row_json, as_text from segdiff.recording(relation) r;
    end if;
end $$;
comment on function segdiff.recording(oid, text[]) is
    'How a row of the table is recorded: as the trigger was told, as long as the table has not changed.';
