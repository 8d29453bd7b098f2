-- The sources of segments: which relation the name of a source means, and with the rights of which role it is read.

create or replace function segdiff.logical_day() returns date
language sql stable parallel safe as $$
    select coalesce(
        nullif(current_setting('segdiff.logical_day', true), '')::date,
        (now() at time zone coalesce(nullif(current_setting('segdiff.time_zone', true), ''), 'UTC'))::date)
$$;
comment on function segdiff.logical_day() is
    'The day that a source is read for: the day of the run, or today. Sources use it in place of current_date, '
    'so that a past day can be replayed.';

-- A source is read with the rights of the role that registered it. Code in a source is, for example, a function of a
-- view, a policy of row level security or a foreign server. Such code never runs with the rights of the owner of this
-- schema. It does not run with the rights of the worker either, except for the code of a superuser: see source_reader.

-- The name of a source with its schema, as segdiff.segments has it. A name without a schema means the schema public,
-- and never a temporary relation.
create or replace function segdiff.qualified_source(source text) returns text
language plpgsql immutable strict set search_path = pg_catalog, pg_temp as $$
declare
    parts text[] := parse_ident(source);
begin
    if cardinality(parts) > 2 then
        raise exception using errcode = 'invalid_name',
            message = format('source %s has %s parts, expected NAME or SCHEMA.NAME', source, cardinality(parts));
    end if;
    return case cardinality(parts)
        when 1 then format('public.%I', parts[1])
        else format('%I.%I', parts[1], parts[2]) end;
end $$;
comment on function segdiff.qualified_source(text) is
    'The name of a source with its schema, quoted where it has to be.';

-- The function reads the catalog, as to_regclass would need the right to use the schema of the source. The caller need
-- not have this right.
create or replace function segdiff.source_oid(source text) returns oid
language sql stable set search_path = pg_catalog, pg_temp as $$
    select c.oid from parse_ident(segdiff.qualified_source(source)) p
    join pg_namespace n on n.nspname = p[1] join pg_class c on c.relnamespace = n.oid and c.relname = p[2]
$$;
comment on function segdiff.source_oid(text) is 'The relation of this name; null if there is none.';

-- Whether a role may read the columns of a source that segdiff reads: contact_id, and customer_id and segment_id if the
-- source has them.
create or replace function segdiff.may_read_source(role name, relation oid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select has_schema_privilege(role, c.relnamespace, 'usage')
       and (select bool_and(has_column_privilege(role, c.oid, a.attnum, 'select')) from pg_attribute a
            where a.attrelid = c.oid and a.attname in ('contact_id', 'customer_id', 'segment_id')
              and a.attnum > 0 and not a.attisdropped)
    from pg_class c where c.oid = relation
$$;
revoke execute on function segdiff.may_read_source from public;

-- Whether a relation can be read without running the code of any role: it is a table or materialized view without row
-- level security, and has no foreign table among its partitions or children.
create or replace function segdiff.is_plain_source(relation oid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    with recursive parts as (
        select c.oid, c.relkind, c.relrowsecurity from pg_class c where c.oid = is_plain_source.relation
        union
        select c.oid, c.relkind, false from parts p
        join pg_inherits i on i.inhparent = p.oid
        join pg_class c on c.oid = i.inhrelid)
    select coalesce(bool_and(relkind in ('r', 'p', 'm') and not relrowsecurity), false) from parts
$$;
revoke execute on function segdiff.is_plain_source from public;

-- The role with whose rights a source is read: usually the role that registered the source. The owner of the source may
-- change its code after the registration. So a source that the worker registered is read as the owner of the source, or
-- as the worker if the owner is a superuser: the code of a superuser could do everything anyway. (The worker is known
-- by its right to create tables in this schema.) If the role that registered the source does not exist any more, the
-- source is read as its owner.
create or replace function segdiff.source_reader(registered_by name, owner name) returns name
language sql stable set search_path = pg_catalog, pg_temp as $$
    select case when r.rolname is null then owner
                when not has_schema_privilege(r.oid, 'segdiff', 'create') then r.rolname
                when (select o.rolsuper from pg_roles o where o.rolname = owner) then session_user
                else owner end
    from (values (1)) one left join pg_roles r on r.rolname = source_reader.registered_by
$$;
revoke execute on function segdiff.source_reader from public;

-- Makes the source of a segment ready to be read in this transaction, and returns the query of its contact ids.
--
-- A source that runs code is read by a temporary function with the rights of the reading role. The code cannot change
-- the role inside a `security definer` function. The code may put work off until the commit, when the role is the
-- worker again. So the function does this work before it ends: `set constraints all immediate` fires constraint
-- triggers, and `close all` closes cursors. A function cannot make its transaction read only for a while, so the code
-- may write what the reading role may write. Session.forgetOthersCode removes what else the code has left in the
-- session.
create or replace function segdiff.open_source(customer_id bigint, segment_id bigint, accepted boolean) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    segment segdiff.segments;
    relation oid;
    locked oid;
    owner name;
    reader name;
    statement text;
    contacts bigint;
begin
    select * into strict segment from segdiff.segments s
    where s.customer_id = open_source.customer_id and s.segment_id = open_source.segment_id;
    segment.source := segdiff.qualified_source(segment.source);
    -- While the name of a table is looked up, a rename may give this name to another table. The loop ends when the name
    -- still means the table that was locked.
    loop
        perform segdiff.check_source(segment.source);
        relation := segdiff.source_oid(segment.source);
        exit when relation = locked or not segdiff.is_plain_source(relation)
            or not segdiff.may_read_source(session_user, relation);
        execute format('select from %s limit 0', segment.source);
        locked := relation;
    end loop;
    select pg_get_userbyid(c.relowner) into owner from pg_class c where c.oid = relation;
    if segment.source_owner <> owner and not accepted then
        raise exception using errcode = 'SD006',
            message = format('source %s belonged to %s and belongs to %s now: '
                             'it was dropped and made again, or given away',
                             segment.source, segment.source_owner, owner);
    elsif segment.source_owner is distinct from owner then
        update segdiff.segments s set source_owner = owner
        where s.customer_id = open_source.customer_id and s.segment_id = open_source.segment_id;
    end if;
    statement := format('select contact_id::bigint as contact_id from %s', segment.source)
        || coalesce((select ' where ' || string_agg(
                         format('%I = %s', a.attname,
                                case a.attname when 'customer_id' then customer_id else segment_id end),
                         ' and ' order by a.attname)
                     from pg_attribute a
                     where a.attrelid = relation and a.attname in ('customer_id', 'segment_id')
                       and a.attnum > 0 and not a.attisdropped), '');
    reader := segdiff.source_reader(segment.registered_by, owner);
    if relation = locked then
        -- Reading this source runs no code, so the worker may read it. But the role that registered the source must
        -- still have the right to read it.
        reader := coalesce((select r.rolname from pg_roles r where r.rolname = segment.registered_by), owner);
        if not segdiff.may_read_source(reader, relation) then
            raise exception using errcode = 'insufficient_privilege',
                message = format('role %s, which registered source %s, may not read it any more',
                                 reader, segment.source),
                hint = format('grant select on %s to %s, or register the segment anew',
                              segment.source, quote_ident(reader));
        end if;
        return statement;
    end if;
    if reader <> session_user and not pg_has_role(session_user, reader, 'member') then
        raise exception using errcode = 'insufficient_privilege',
            message = format('source %s is read with the rights of role %s, which role %s does not have',
                             segment.source, reader, session_user),
            hint = format('grant %I to %I%s', reader, session_user,
                          case when current_setting('server_version_num')::int >= 160000
                              then ' with inherit false, set true' else '' end);
    end if;
    select v.contacts into contacts from segdiff.segment_versions v where v.version = segment.current_version;
    execute format('set local role %I', reader);
    execute format('create or replace function pg_temp.segdiff_source() returns setof bigint '
                   'language plpgsql security definer rows %s
                    set search_path = pg_catalog, "$user", public, pg_temp set row_security = %s as %L',
                   greatest(1000, contacts), case when segment.row_security then 'on' else 'off' end,
                   format('begin return query %s; set constraints all immediate; execute ''close all''; end',
                          statement));
    execute 'set local role none';
    -- The alias is the name of the source, so that pg_stat_activity shows which source is being read.
    return format('select contact_id from pg_temp.segdiff_source() as %I (contact_id)', left(segment.source, 60));
end $$;
comment on function segdiff.open_source(bigint, bigint, boolean) is
    'Checks with whose rights a source is read, and answers the query that reads it in this transaction.';
revoke execute on function segdiff.open_source from public;

create or replace function segdiff.check_source(source text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    relation oid := segdiff.source_oid(check_source.source);
    kind "char";
    persistence "char";
    wrong text;
begin
    select c.relkind, c.relpersistence into kind, persistence from pg_class c where c.oid = relation;
    if kind is null then
        raise exception using errcode = 'undefined_table',
            message = format('source %s does not exist', check_source.source);
    elsif persistence = 't' then
        raise exception using errcode = 'wrong_object_type',
            message = format('source %s is temporary: only the session that made it can read it', check_source.source);
    elsif kind not in ('r', 'v', 'm', 'f', 'p') then
        raise exception using errcode = 'wrong_object_type',
            message = format('source %s is no table, view or foreign table', check_source.source);
    end if;
    if not exists (select from pg_attribute a
                   where a.attrelid = relation and a.attname = 'contact_id'
                     and a.attnum > 0 and not a.attisdropped) then
        raise exception using errcode = 'undefined_column',
            message = format('source %s has no column contact_id', check_source.source);
    end if;
    select format('column %s of source %s is %s, expected bigint, integer or smallint',
                  a.attname, check_source.source, format_type(a.atttypid, a.atttypmod))
    into wrong
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = relation and a.attname in ('contact_id', 'customer_id', 'segment_id')
      and a.attnum > 0 and not a.attisdropped
      and coalesce(nullif(t.typbasetype, 0), t.oid) not in ('int8'::regtype, 'int4'::regtype, 'int2'::regtype)
    order by a.attname limit 1;
    if wrong is not null then
        raise exception using errcode = 'datatype_mismatch', message = wrong;
    end if;
end $$;
comment on function segdiff.check_source(text) is
    'Raises an error that names what is wrong with a source, if anything is.';
