-- What applications call. The functions run with the rights of their owner, so a reader needs no more than
-- `usage` on the schema and `execute` on them; what only segdiff may call stands at the end.

create or replace function segdiff.logical_day() returns date
language sql stable parallel safe as $$
    select coalesce(
        nullif(current_setting('segdiff.logical_day', true), '')::date,
        (now() at time zone coalesce(nullif(current_setting('segdiff.time_zone', true), ''), 'UTC'))::date)
$$;
comment on function segdiff.logical_day() is
    'The day that a source is read for: the day of the run, or today. Sources use it in place of current_date, so that a past day can be replayed.';

create or replace view segdiff.segment_changes as
    select v.customer_id, v.segment_id, v.version, v.day, d.contact_id, d.added
    from segdiff.segment_versions v
    join segdiff.segment_diffs d on d.version = v.version and d.day = v.day;
comment on view segdiff.segment_changes is 'Each contact added to or removed from a segment, version by version.';

-- A reader that cannot write (a standby, a read-only transaction) is not recorded. A row that somebody has locked is
-- being marked by another reader, or for milliseconds by a version being published: nobody waits for that.
create or replace function segdiff.mark_used(customer_id bigint, segment_id bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = off as $$
begin
    if current_setting('transaction_read_only')::boolean then return; end if;
    update segdiff.segments s set last_used_at = now()
    where (s.customer_id, s.segment_id) in (
        select l.customer_id, l.segment_id from segdiff.segments l
        where l.customer_id = mark_used.customer_id and l.segment_id = mark_used.segment_id
          and l.last_used_at < now() - interval '1 minute'
        for no key update skip locked);
end $$;

-- Who may make segdiff read what. A source is read with the rights of the role that registered it: code in a source (a
-- view's functions, a policy, a foreign server) never runs with the rights of the worker or of the owner of this schema.

-- The name with its schema, as it is stored; a name without one means public, never a temporary relation.
create or replace function segdiff.qualified_source(source text) returns text
language plpgsql immutable strict set search_path = pg_catalog, pg_temp as $$
declare
    parts text[] := parse_ident(source);
begin
    if cardinality(parts) > 2 then
        raise exception using errcode = 'invalid_name',
            message = format('source %s has %s parts, expected NAME or SCHEMA.NAME', source, cardinality(parts));
    end if;
    return case cardinality(parts) when 1 then format('public.%I', parts[1]) else format('%I.%I', parts[1], parts[2]) end;
end $$;
comment on function segdiff.qualified_source(text) is 'The name of a source with its schema, quoted where it has to be.';

-- By the catalog, as to_regclass wants the right to use the schema, which the caller need not have.
create or replace function segdiff.source_oid(source text) returns oid
language sql stable set search_path = pg_catalog, pg_temp as $$
    select c.oid from parse_ident(segdiff.qualified_source(source)) p
    join pg_namespace n on n.nspname = p[1] join pg_class c on c.relnamespace = n.oid and c.relname = p[2]
$$;
comment on function segdiff.source_oid(text) is 'The relation of this name; null if there is none.';

-- Whether a role may read the ids of a source, and the columns that select a segment.
create or replace function segdiff.may_read_source(role name, relation oid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select has_schema_privilege(role, c.relnamespace, 'usage')
       and (select bool_and(has_column_privilege(role, c.oid, a.attnum, 'select')) from pg_attribute a
            where a.attrelid = c.oid and a.attname in ('contact_id', 'customer_id', 'segment_id')
              and a.attnum > 0 and not a.attisdropped)
    from pg_class c where c.oid = relation
$$;
revoke execute on function segdiff.may_read_source from public;

-- Whether reading a relation runs nobody's code: a table or materialized view without row level security, and without a
-- foreign table among its partitions or children.
create or replace function segdiff.is_plain_source(relation oid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    with recursive parts as (
        select c.oid, c.relkind, c.relrowsecurity from pg_class c where c.oid = is_plain_source.relation
        union
        select c.oid, c.relkind, false from parts p join pg_inherits i on i.inhparent = p.oid join pg_class c on c.oid = i.inhrelid)
    select coalesce(bool_and(relkind in ('r', 'p', 'm') and not relrowsecurity), false) from parts
$$;
revoke execute on function segdiff.is_plain_source from public;

-- With whose rights the source is read. What the worker itself has registered runs the code of the source's owner, who
-- may have changed it since: so it is read as that owner. A superuser's code could do everything anyway.
create or replace function segdiff.source_reader(registered_by name, owner name) returns name
language sql stable set search_path = pg_catalog, pg_temp as $$
    select case when r.rolname is null then owner
                when not has_schema_privilege(r.oid, 'segdiff', 'create') then r.rolname
                when (select o.rolsuper from pg_roles o where o.rolname = owner) then session_user
                else owner end
    from (values (1)) one left join pg_roles r on r.rolname = source_reader.registered_by
$$;
revoke execute on function segdiff.source_reader from public;

-- Makes the source of a segment ready to be read in this transaction, and answers the query that yields its contact ids.
-- A source that runs code gets a function of the reading role, for this transaction only: inside a function of this kind
-- nobody can change the role. What that code has put off until the commit, when the role would be the worker's again, is
-- done at once: constraint triggers fire, and cursors are closed. (A function cannot make its transaction read only for a
-- while; the code may write what its role may write.) The session forgets the rest: see Session.forgetOthersCode.
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
    -- A table may be swapped for another one by renaming while its name is looked up: once more, until name and lock agree.
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
            message = format('source %s belonged to %s and belongs to %s now: it was dropped and made again, or given away',
                             segment.source, segment.source_owner, owner);
    elsif segment.source_owner is distinct from owner then
        update segdiff.segments s set source_owner = owner
        where s.customer_id = open_source.customer_id and s.segment_id = open_source.segment_id;
    end if;
    statement := format('select contact_id::bigint as contact_id from %s', segment.source)
        || coalesce((select ' where ' || string_agg(format('%I = %s', a.attname,
                            case a.attname when 'customer_id' then customer_id else segment_id end), ' and ' order by a.attname)
                     from pg_attribute a
                     where a.attrelid = relation and a.attname in ('customer_id', 'segment_id')
                       and a.attnum > 0 and not a.attisdropped), '');
    reader := segdiff.source_reader(segment.registered_by, owner);
    if relation = locked then
        -- It runs no code, so that it makes no difference who reads it: the rights are what counts.
        reader := coalesce((select r.rolname from pg_roles r where r.rolname = segment.registered_by), owner);
        if not segdiff.may_read_source(reader, relation) then
            raise exception using errcode = 'insufficient_privilege',
                message = format('role %s, which registered source %s, may not read it any more', reader, segment.source),
                hint = format('grant select on %s to %s, or register the segment anew', segment.source, quote_ident(reader));
        end if;
        return statement;
    end if;
    if reader <> session_user and not pg_has_role(session_user, reader, 'member') then
        raise exception using errcode = 'insufficient_privilege',
            message = format('source %s is read with the rights of role %s, which role %s does not have', segment.source, reader, session_user),
            hint = format('grant %I to %I%s', reader, session_user,
                          case when current_setting('server_version_num')::int >= 160000 then ' with inherit false, set true' else '' end);
    end if;
    select v.contacts into contacts from segdiff.segment_versions v where v.version = segment.current_version;
    execute format('set local role %I', reader);
    execute format('create or replace function pg_temp.segdiff_source() returns setof bigint language plpgsql security definer rows %s
                    set search_path = pg_catalog, "$user", public, pg_temp set row_security = %s as %L',
                   greatest(1000, contacts), case when segment.row_security then 'on' else 'off' end,
                   format('begin return query %s; set constraints all immediate; execute ''close all''; end', statement));
    execute 'set local role none';
    -- The alias shows in pg_stat_activity which source is read.
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
                   where a.attrelid = relation and a.attname = 'contact_id' and a.attnum > 0 and not a.attisdropped) then
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
comment on function segdiff.check_source(text) is 'Raises an error that names what is wrong with a source, if anything is.';

create or replace function segdiff.use_segment(customer_id bigint, segment_id bigint, source text default null)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = off as $$
declare
    segment segdiff.segments;
    wanted text := segdiff.qualified_source(use_segment.source);
    relation oid;
begin
    select * into segment from segdiff.segments s
    where s.customer_id = use_segment.customer_id and s.segment_id = use_segment.segment_id;
    if not found then
        if wanted is null then
            raise exception using errcode = 'no_data_found',
                message = format('segment %s/%s is not registered', customer_id, segment_id),
                hint = 'pass its source as third argument, or add it with: segdiff segments add';
        end if;
        perform segdiff.check_source(wanted);
        relation := segdiff.source_oid(wanted);
        -- The worker may read more than the reader: whose rights count is written down, and asked each time it reads.
        if not segdiff.may_read_source(session_user, relation) then
            raise exception using errcode = 'insufficient_privilege',
                message = format('role %s may not read source %s', session_user, wanted);
        end if;
        insert into segdiff.segments (customer_id, segment_id, source, source_owner, registered_by)
        select use_segment.customer_id, use_segment.segment_id, wanted, pg_get_userbyid(c.relowner), session_user
        from pg_class c where c.oid = relation
        on conflict do nothing;
    elsif wanted is distinct from segment.source and wanted is not null then
        raise exception using errcode = 'invalid_parameter_value',
            message = format('segment %s/%s is registered with source %s, not %s', customer_id, segment_id,
                             coalesce(segment.source, '(upload)'), wanted);
    end if;
    perform segdiff.mark_used(use_segment.customer_id, use_segment.segment_id);
    return segment.current_version;
end $$;
comment on function segdiff.use_segment(bigint, bigint, text) is
    'Registers a segment if need be, marks it as used, and returns its current version (null: none yet).';

-- A version can be the start of a diff while it is listed and no baseline lies behind it: retention takes versions away
-- before their diffs.
create or replace function segdiff.is_retained(customer_id bigint, segment_id bigint, since bigint) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = off as $$
    select exists (select from segdiff.segment_versions v
                   where v.customer_id = is_retained.customer_id and v.segment_id = is_retained.segment_id
                     and v.version = is_retained.since)
       and not exists (select from segdiff.segment_versions v
                       where v.customer_id = is_retained.customer_id and v.segment_id = is_retained.segment_id
                         and v.version > is_retained.since and v.baseline)
$$;

-- A contact's rows in successive versions alternate between added and removed, so that their sum is its net change.
create or replace function segdiff.diff_rows(customer_id bigint, segment_id bigint, since bigint, until bigint)
returns table (contact_id bigint, added boolean)
language sql stable rows 10000 security definer set search_path = pg_catalog, pg_temp set row_security = off as $$
    select d.contact_id, sum(case when d.added then 1 else -1 end) > 0
    from segdiff.segment_versions v
    join segdiff.segment_diffs d on d.version = v.version and d.day = v.day
    where v.customer_id = diff_rows.customer_id and v.segment_id = diff_rows.segment_id
      and v.version > diff_rows.since and v.version <= diff_rows.until
    group by d.contact_id
    having sum(case when d.added then 1 else -1 end) <> 0
$$;

create or replace function segdiff.net_changes(customer_id bigint, segment_id bigint, since bigint, until bigint)
returns table (contact_id bigint, added boolean)
language plpgsql rows 10000 security definer set search_path = pg_catalog, pg_temp set row_security = off as $$
#variable_conflict use_column
begin
    -- Planning takes this lock anyway; taken first, it keeps a partition from being dropped after the check.
    lock table segdiff.segment_diffs in access share mode;
    if since is null or until is null
       or not (segdiff.is_retained(net_changes.customer_id, net_changes.segment_id, least(since, until))
            and exists (select from segdiff.segment_versions v
                        where v.customer_id = net_changes.customer_id and v.segment_id = net_changes.segment_id
                          and v.version = greatest(net_changes.since, net_changes.until))) then
        raise exception using errcode = 'no_data_found',
            message = format('segment %s/%s has no diffs between versions %s and %s', net_changes.customer_id,
                             net_changes.segment_id, coalesce(since::text, 'null'), coalesce(until::text, 'null')),
            hint = 'segdiff.read_segment gives the full snapshot to a reader that is older than the retained diffs';
    end if;
    perform segdiff.mark_used(net_changes.customer_id, net_changes.segment_id);
    return query
        select d.contact_id, d.added = (net_changes.since <= net_changes.until)
        from segdiff.diff_rows(net_changes.customer_id, net_changes.segment_id, least(since, until), greatest(since, until)) d;
end $$;
comment on function segdiff.net_changes(bigint, bigint, bigint, bigint) is
    'Net changes from one version of a segment to another; backwards when `since` is the later one. An error when they are no longer retained.';

-- Locks the snapshot table against the next version's rename, then reads the version again: from here on, table and
-- version belong together until the transaction ends.
create or replace function segdiff.lock_snapshot(customer_id bigint, segment_id bigint, out version bigint, out snapshot regclass)
language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = off as $$
#variable_conflict use_column
declare
    locked regclass;
    missing regclass;
begin
    loop
        select s.current_version, s.snapshot into lock_snapshot.version, lock_snapshot.snapshot from segdiff.segments s
        where s.customer_id = lock_snapshot.customer_id and s.segment_id = lock_snapshot.segment_id;
        exit when lock_snapshot.snapshot is null or lock_snapshot.snapshot = locked;
        -- The worker writes this name, and the owner of the schema follows it here: nothing but a snapshot is followed.
        if exists (select from pg_class c
                   where c.oid = lock_snapshot.snapshot
                     and (c.relnamespace <> 'segdiff'::regnamespace or c.relkind <> 'r' or c.relrowsecurity
                          or c.relname !~ format('^segment_%s_%s_\d+$', lock_snapshot.customer_id, lock_snapshot.segment_id))) then
            raise exception using errcode = 'wrong_object_type',
                message = format('%s is no snapshot of segment %s/%s', lock_snapshot.snapshot, lock_snapshot.customer_id,
                                 lock_snapshot.segment_id);
        end if;
        if lock_snapshot.snapshot = missing then
            raise exception using errcode = 'undefined_table',
                message = format('the snapshot table of segment %s/%s is missing', lock_snapshot.customer_id, lock_snapshot.segment_id);
        end if;
        begin
            execute format('lock table only %s in access share mode', lock_snapshot.snapshot);
            locked := lock_snapshot.snapshot;
        exception when undefined_table or syntax_error then
            -- Renamed while its name was looked up: once more. Dropped: the registry tells its successor, if there is one.
            if not exists (select from pg_class c where c.oid = lock_snapshot.snapshot) then
                missing := lock_snapshot.snapshot;
            end if;
        end;
    end loop;
end $$;

create or replace function segdiff.read_segment(customer_id bigint, segment_id bigint, since bigint default null)
returns table (version bigint, complete boolean, contact_id bigint, added boolean)
language plpgsql rows 10000 security definer set search_path = pg_catalog, pg_temp set row_security = off as $$
#variable_conflict use_column
declare
    target bigint;
    snapshot regclass;
begin
    lock table segdiff.segment_diffs in access share mode;
    select s.current_version into target from segdiff.segments s
    where s.customer_id = read_segment.customer_id and s.segment_id = read_segment.segment_id;
    if not found then
        raise exception using errcode = 'no_data_found',
            message = format('segment %s/%s is not registered', read_segment.customer_id, read_segment.segment_id),
            hint = 'register it with: select segdiff.use_segment(customer, segment, source)';
    end if;
    perform segdiff.mark_used(read_segment.customer_id, read_segment.segment_id);
    if target is null then return; end if;
    if read_segment.since <= target and segdiff.is_retained(read_segment.customer_id, read_segment.segment_id, read_segment.since) then
        return query select target, false, null::bigint, null::boolean;
        return query select target, false, d.contact_id, d.added
                     from segdiff.diff_rows(read_segment.customer_id, read_segment.segment_id, read_segment.since, target) d;
    else
        select l.version, l.snapshot into target, snapshot
        from segdiff.lock_snapshot(read_segment.customer_id, read_segment.segment_id) l;
        return query select target, true, null::bigint, null::boolean;
        return query execute format('select $1, true, contact_id, true from only %s', snapshot) using target;
    end if;
end $$;
comment on function segdiff.read_segment(bigint, bigint, bigint) is
    'What changed since a version, in one call. The first row is a header without contact: the version to remember, and whether the rows are complete (a full snapshot: forget what you had) or changes. No row at all: no version yet.';

create or replace function segdiff.members(customer_id bigint, segment_id bigint, version bigint default null)
returns table (contact_id bigint)
language plpgsql rows 10000 security definer set search_path = pg_catalog, pg_temp set row_security = off as $$
#variable_conflict use_column
declare
    target bigint;
    snapshot regclass;
begin
    select l.version, l.snapshot into target, snapshot
    from segdiff.lock_snapshot(members.customer_id, members.segment_id) l;
    if target is null then
        raise exception using errcode = 'no_data_found',
            message = format('segment %s/%s has no version', members.customer_id, members.segment_id);
    end if;
    if members.version is null or members.version = target then
        perform segdiff.mark_used(members.customer_id, members.segment_id);
        return query execute format('select contact_id from only %s', snapshot);
    else
        return query execute format($q$
            with back as materialized (select * from segdiff.net_changes($1, $2, $3, $4))
            select contact_id from only %s s where not exists (select from back b where b.contact_id = s.contact_id and not b.added)
            union all
            select contact_id from back where added$q$, snapshot)
        using members.customer_id, members.segment_id, target, members.version;
    end if;
end $$;
comment on function segdiff.members(bigint, bigint, bigint) is
    'The members of a segment at its current version, or at an earlier one that is still retained.';

-- Holds a segment until the transaction ends; an error of class SD ends the transaction otherwise. The day stands in the
-- locked row, so that it is read anew when the lock was just given back; what else was read of the segment before is
-- compared after the lock.
create or replace function segdiff.claim_segment(
    customer_id bigint, segment_id bigint, current_version bigint, source text, day date, force boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform from segdiff.segment_states w
    where w.customer_id = claim_segment.customer_id and w.segment_id = claim_segment.segment_id
      and (w.day is null or w.day < claim_segment.day or (force and w.day = claim_segment.day))
    for update skip locked;
    if found then
        perform from segdiff.segments s
        where s.customer_id = claim_segment.customer_id and s.segment_id = claim_segment.segment_id
          and s.current_version is not distinct from claim_segment.current_version
          and s.source is not distinct from claim_segment.source;
    end if;
    if not found then
        raise exception using errcode = 'SD001',
            message = format('segment %s/%s is held by another worker, or has its version of %s', customer_id, segment_id, day);
    end if;
end $$;
revoke execute on function segdiff.claim_segment from public;

-- The last step of a version: counts what is there, and makes it current. Registry row first, table second, as readers
-- lock them. Without seq scans, because the plan is kept for the session: made while the month's partition is all but
-- empty, it would read all of it for each later segment.
create or replace function segdiff.publish_version(
    customer_id bigint, segment_id bigint, version bigint, snapshot_name name, day date, baseline boolean, run_id bigint,
    out contacts bigint, out added bigint, out removed bigint)
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
#variable_conflict use_variable
declare
    snapshot regclass;
begin
    if baseline then
        snapshot := format('segdiff.%I', snapshot_name)::regclass;
        execute format('select count(*), 0, 0 from %s', snapshot) into contacts, added, removed;
    else
        select count(*) filter (where d.added), count(*) filter (where not d.added) into added, removed
        from segdiff.segment_diffs d where d.version = publish_version.version and d.day = publish_version.day;
        select v.contacts + added - removed into contacts
        from segdiff.segments s join segdiff.segment_versions v on v.version = s.current_version
        where s.customer_id = publish_version.customer_id and s.segment_id = publish_version.segment_id;
    end if;
    insert into segdiff.segment_versions
        (version, customer_id, segment_id, day, contacts, added, removed, baseline, run_id)
    values (version, customer_id, segment_id, day, contacts, added, removed, baseline, run_id);
    update segdiff.segment_states w
    set day = publish_version.day, problem = null, problem_reason = null, problem_day = null, problem_since = null
    where w.customer_id = publish_version.customer_id and w.segment_id = publish_version.segment_id;
    update segdiff.segments s
    set current_version = version, snapshot = coalesce(snapshot, s.snapshot)
    where s.customer_id = publish_version.customer_id and s.segment_id = publish_version.segment_id
    returning s.snapshot into snapshot;
    if not baseline then
        execute format('alter table %s rename to %I', snapshot, snapshot_name);
    end if;
end $$;
revoke execute on function segdiff.publish_version from public;

-- Replacement before removal: whoever needs diffs that are too old gets all members, so the snapshots must be there.
create or replace function segdiff.drop_diffs(diffs regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    lacking text := (select string_agg(format('%s/%s', s.customer_id, s.segment_id), ', ' order by s.customer_id, s.segment_id)
                     from segdiff.segments s
                     where s.current_version is not null and not exists (select from pg_class c where c.oid = s.snapshot));
begin
    if lacking is not null then
        raise exception using errcode = 'SD004',
            message = format('old diffs are kept: nothing stands in for them while the snapshots of segments %s are missing', lacking);
    end if;
    execute format('drop table %s', diffs);
end $$;
revoke execute on function segdiff.drop_diffs from public;
