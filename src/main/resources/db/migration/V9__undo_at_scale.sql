-- What takes recorded changes back, whatever their number, at the same price a row. An undo puts what it is about in tables of
-- its transaction, row by row in the order in which they go back: pg_temp.undo_rows, and where these do not go straight,
-- change by change, pg_temp.undo_steps. A set is a range of places, and is found without reading the others. (The functions of
-- V7.1 stay for a segdiff of before, after a rollback.)

set local check_function_bodies = off;

-- A range of $1 to $2 of these rows, those at the places $3, if it is not null: as i, and their columns by name and of today's
-- type as r.
create function segdiff.undo_source(relation oid, images text, side text, columns text[], as_text text[]) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    with of_row as (
        select a.attnum, quote_ident(a.attname) as name, format_type(a.atttypid, a.atttypmod) as type,
            coalesce(a.attname::text = any (as_text), false)
                and segdiff.base_type(a.atttypid) in ('json'::regtype, 'jsonb'::regtype) as json_text
        from pg_attribute a
        where a.attrelid = undo_source.relation and a.attnum > 0 and not a.attisdropped
          and a.attname::text = any (columns || segdiff.key_columns(a.attrelid)))
    select format($q$(select w.place, w.old_row, w.new_row from pg_temp.%1$I w
                      where w.place between $1 and $2 and not w.done and not w.blocked
                        and ($3 is null or w.place operator(pg_catalog.=) any ($3))) i
                     cross join lateral (select %3$s from pg_catalog.jsonb_to_record(i.%2$I) as v (%4$s)) r$q$,
        images, side,
        string_agg(format(case when json_text then 'v.%1$s::%2$s as %1$s' else 'v.%1$s' end, name, type), ', ' order by attnum),
        string_agg(name || ' ' || case when json_text then 'pg_catalog.text' else type end, ', ' order by attnum))
    from of_row
$$;

-- The shapes of rows in a range: which way they go, what was recorded of them, and which of today's columns had changed.
create function segdiff.undo_shapes(relation oid, images text, side text, from_place bigint, to_place bigint)
returns table (kind text, recorded text[], as_text text[], changed text[], places bigint[])
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    names constant text[] := (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
                              where a.attrelid = relation and a.attnum > 0 and not a.attisdropped);
begin
    return query execute format($q$
        select s.kind, s.recorded, s.as_text, s.changed, array_agg(s.place order by s.place)
        from (select i.place, i.kind, i.as_text,
                  case when i.image ?& $1 and i.image - $1 = '{}' then $1 else array(select jsonb_object_keys(i.image)) end as recorded,
                  case when i.kind = 'update' then array_remove(array[%s], null) end as changed
              from (select w.place, w.kind, w.old_row, w.new_row, case when side = 'new_row' then w.new_row else w.old_row end as image,
                        case when side = 'new_row' then w.new_as_text else w.old_as_text end as as_text
                    from (select *, coalesce($4, case when kind = 'delete' then 'new_row' else 'old_row' end) as side
                          from pg_temp.%I where place between $2 and $3 and not done and not blocked) w) i
              where i.image is not null) s
        group by 1, 2, 3, 4 order by 1$q$,
        (select string_agg(format('case when i.old_row -> %1$L is distinct from i.new_row -> %1$L then %1$L end', n), ', ')
         from unnest(names) n), images)
    using names, from_place, to_place, side;
end $$;

-- A set's rows are looked up by their keys: to read the whole table for each set would cost more the more sets there are.

-- The places of those whose row is now as it was before, or after; locks these rows.
create function segdiff.undo_same_rows(relation regclass, side text, from_place bigint, to_place bigint) returns setof bigint
language plpgsql set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD' set intervalstyle = 'postgres'
    set extra_float_digits = 1 set bytea_output = 'hex' set timezone = 'UTC' set lc_monetary = 'C' set xmloption = 'content'
    set array_nulls = on set random_page_cost = 1.1 as $$
declare
    shape record;
    columns text[];
begin
    for shape in
        select s.recorded, s.as_text, array_agg(p.place) as places
        from segdiff.undo_shapes(relation, 'undo_rows', side, from_place, to_place) s cross join unnest(s.places) p (place)
        group by 1, 2
    loop
        columns := segdiff.writable_columns(relation, shape.recorded);
        return query execute format('select i.place from %s t, %s where %s and %s for update of t', relation,
                                    segdiff.undo_source(relation, 'undo_rows', side, columns, shape.as_text),
                                    segdiff.key_matches(relation), segdiff.row_matches(relation, columns, shape.as_text))
            using from_place, to_place, shape.places;
    end loop;
end $$;
revoke execute on function segdiff.undo_same_rows from public;

-- Rows that came are not taken away together with rows of elsewhere that refer to them since.
create function segdiff.undo_refuse_company(relation regclass, gone text, from_place bigint, to_place bigint, places bigint[])
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
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
        into found_one using from_place, to_place, places;
        if found_one then
            raise exception using errcode = 'SD003', message = format('rows of %s refer to it and would go, or lose it, with it (%s)',
                                                                      reference.conrelid::regclass, reference.conname);
        end if;
    end loop;
end $$;
revoke execute on function segdiff.undo_refuse_company from public;

-- Takes a range back, all in one statement: foreign keys hold at its end, and what is unique is given free before it is taken.
-- An error if a row does not go; where it has to be exactly as its last change left it, also if it is not, to the letter (which
-- is no equality, or the planner would write the whole table as JSON to join by it).
-- Returns how many are then not as before, to the letter. Triggers of the table run with the search path of the session.
create function segdiff.undo_set(relation regclass, images text, from_place bigint, to_place bigint, path text, exactly boolean)
returns bigint
language plpgsql set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD' set intervalstyle = 'postgres'
    set extra_float_digits = 1 set bytea_output = 'hex' set timezone = 'UTC' set lc_monetary = 'C' set xmloption = 'content'
    set array_nulls = on set random_page_cost = 1.1 as $$
declare
    of_now constant text := case when exactly
        then format('(select %s from (select t.*) r)', (segdiff.recording(relation)).row_json) else 'null::pg_catalog.jsonb' end;
    as_left constant text := case when exactly then format(' and %s is not distinct from i.new_row', of_now) else '' end;
    matches constant text := segdiff.key_matches(relation);
    shape record;
    columns text[];
    source text;
    statements text[] := '{}';
    expected bigint := 0;
    same bigint := 0;
    reverted bigint;
    restored bigint;
    alone boolean;
    these bigint[];
begin
    for shape in
        select s.*, count(*) over () = 1 as alone from segdiff.undo_shapes(relation, images, null, from_place, to_place) s
    loop
        alone := shape.alone;
        columns := segdiff.writable_columns(relation, shape.recorded);
        if shape.kind = 'delete' then
            source := segdiff.undo_source(relation, images, 'new_row', columns, shape.as_text);
            perform segdiff.undo_refuse_company(relation, source, from_place, to_place, shape.places);
            statements := statements || format('delete from %s t using %s where %s%s returning null::pg_catalog.jsonb as now',
                relation, source, matches, as_left);
        elsif shape.kind = 'update' then
            -- Nothing is left to do when only columns had changed that are gone or computed.
            columns := array(select a.attname from pg_attribute a where a.attrelid = relation and a.attname::text = any (columns)
                             and a.attname::text = any (shape.changed) and a.attidentity <> 'a' order by a.attnum);
            if columns = '{}' then
                same := same + cardinality(shape.places);
                continue;
            end if;
            statements := statements || format('update %s t set %s from %s where %s%s returning %s as now', relation,
                (select string_agg(format('%1$I = r.%1$I', c), ', ') from unnest(columns) c),
                segdiff.undo_source(relation, images, 'old_row', columns, shape.as_text), matches, as_left, of_now);
        else
            statements := statements || format(
                'insert into %s as t (%s) overriding system value select %s from %s order by i.place returning %s as now', relation,
                (select string_agg(quote_ident(c), ', ') from unnest(columns) c),
                (select string_agg(format('r.%I', c), ', ') from unnest(columns) c),
                segdiff.undo_source(relation, images, 'old_row', columns, shape.as_text), of_now);
        end if;
        if not alone then
            -- Of several shapes, each has its own places.
            statements[cardinality(statements)] := replace(statements[cardinality(statements)], '$3',
                format('$3[%s:%s]', coalesce(cardinality(these), 0) + 1, coalesce(cardinality(these), 0) + cardinality(shape.places)));
            these := these || shape.places;
        end if;
        expected := expected + cardinality(shape.places);
    end loop;
    if expected = 0 then return same; end if;
    perform set_config('search_path', path, true);
    execute format('with %s, back as (%s)
                    select pg_catalog.count(*), pg_catalog.count(*) filter (where b.now is null or b.now in (
                        select w.old_row from pg_temp.%I w where w.place between $1 and $2 and w.old_row is not null))
                    from back b',
                   (select string_agg(format('s%s as (%s)', n, one), ', ' order by n) from unnest(statements) with ordinality s (one, n)),
                   (select string_agg(format('select now from s%s', n), ' union all ' order by n)
                    from generate_subscripts(statements, 1) n), images)
    into reverted, restored using from_place, to_place, these;
    if reverted <> expected then
        raise exception using errcode = 'SD003',
            message = 'the row is gone, or a trigger of the table kept it from changing or coming back';
    end if;
    return same + reverted - restored;
end $$;
revoke execute on function segdiff.undo_set from public;

-- The straight way, for rows that are as they were left, to the letter: null if one of them does not go.
create function segdiff.undo_straight(relation regclass, from_place bigint, to_place bigint, path text) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    return segdiff.undo_set(relation, 'undo_rows', from_place, to_place, path, true);
exception when others then
    -- Not of the rows' making: a lock, a deadlock, resources, an operator, the connection.
    if sqlstate ~ '^(08|40|53|55|57|58|XX)' then raise; end if;
    return null;
end $$;
revoke execute on function segdiff.undo_straight from public;

-- Marks what could be taken back as done, and what could not with the reason: all of it, if one stands in the way, or after it
-- was divided until it can be. Before a change that was refused has gone, those of the same row before it are not tried.
create function segdiff.undo_range(relation regclass, images text, from_place bigint, to_place bigint, path text, divide boolean)
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    half constant bigint := (from_place + to_place) / 2;
    open_ones constant text := format('pg_temp.%I where place between $1 and $2 and not done and not blocked', images);
    todo bigint;
    twice boolean;
    details text;
begin
    execute format('select count(*), count(*) <> count(distinct row_place) from %s', open_ones)
    into todo, twice using from_place, to_place;
    if todo = 0 then return; end if;
    if not twice then
        begin
            perform segdiff.undo_set(relation, images, from_place, to_place, path, false);
            execute format('update pg_temp.%I set done = true, reason = null where place between $1 and $2 and not done and not blocked',
                           images) using from_place, to_place;
            return;
        exception when others then
            -- Not of the rows' making: a lock, a deadlock, resources, an operator, the connection.
            if sqlstate ~ '^(08|40|53|55|57|58|XX)' then raise; end if;
            get stacked diagnostics details = pg_exception_detail;
            if not divide or todo = 1 then
                execute format('update pg_temp.%1$I set reason = case when place <= $2 then $3 end, blocked = $4
                                where row_place in (select row_place from %2$s) and place >= $1 and ($4 or place <= $2)
                                  and not done and not blocked', images, open_ones)
                using from_place, to_place, concat_ws(': ', sqlerrm, nullif(details, '')), divide;
                return;
            end if;
        end;
    end if;
    perform segdiff.undo_range(relation, images, from_place, half, path, true);
    perform segdiff.undo_range(relation, images, half + 1, to_place, path, true);
end $$;
revoke execute on function segdiff.undo_range from public;

-- Whether nothing but what it is told changes a row of the table: no triggers, rules or actions of foreign keys.
create function segdiff.is_plain(relation regclass) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    with parts as (select is_plain.relation::oid as part union select p.relid from pg_partition_tree(is_plain.relation) p)
    select not exists (select from pg_trigger t join parts on t.tgrelid = part
                       where not t.tgisinternal
                         and t.tgfoid not in (select p.oid from pg_proc p
                                              where p.pronamespace = 'segdiff'::regnamespace and p.proname ~ '^audit_'))
       and not exists (select from pg_rewrite w join parts on w.ev_class = part)
       and not exists (select from pg_constraint c join parts on part in (c.conrelid, c.confrelid)
                       where c.contype = 'f' and not (c.confupdtype in ('a', 'r') and c.confdeltype in ('a', 'r')))
$$;
comment on function segdiff.is_plain(regclass) is 'Whether a row of the table stays as it is written.';
