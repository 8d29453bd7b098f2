-- What applications read. These functions run with the rights of their owner, so a reader needs only `usage` on the
-- schema and `execute` on the functions.

create or replace view segdiff.segment_changes as
    select v.customer_id, v.segment_id, v.version, v.day, d.contact_id, d.added
    from segdiff.segment_versions v
    join segdiff.segment_diffs d on d.version = v.version and d.day = v.day;
comment on view segdiff.segment_changes is 'Each contact added to or removed from a segment, version by version.';

-- Whether the changes since a version can be read. They can while the version is listed and no later version is a
-- baseline, because retention deletes versions before their diffs.
create or replace function segdiff.is_retained(customer_id bigint, segment_id bigint, since bigint) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp set row_security = off as $$
    select exists (select from segdiff.segment_versions v
                   where v.customer_id = is_retained.customer_id and v.segment_id = is_retained.segment_id
                     and v.version = is_retained.since)
       and not exists (select from segdiff.segment_versions v
                       where v.customer_id = is_retained.customer_id and v.segment_id = is_retained.segment_id
                         and v.version > is_retained.since and v.baseline)
$$;

-- The net changes from one version to a later one. In successive versions the rows of a contact alternate between added
-- (+1) and removed (-1), so the sum of these numbers is the net change of the contact.
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
    -- The planner takes this lock anyway. Taken before the check, the lock keeps a partition from being dropped after
    -- the check.
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
        from segdiff.diff_rows(net_changes.customer_id, net_changes.segment_id,
                               least(since, until), greatest(since, until)) d;
end $$;
comment on function segdiff.net_changes(bigint, bigint, bigint, bigint) is
    'Net changes from one version of a segment to another; backwards when `since` is the later one. '
    'An error when they are no longer retained.';

-- Locks the snapshot table, so that the next version cannot rename it, and reads the version again after the lock. From
-- then on until the transaction ends, the table has the members of this version.
create or replace function segdiff.lock_snapshot(
    customer_id bigint, segment_id bigint, out version bigint, out snapshot regclass)
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
        -- The worker writes the name of the snapshot table, and this function reads the table with the rights of the
        -- owner of this schema. So the function accepts only a table that is a snapshot of this segment.
        if exists (select from pg_class c
                   where c.oid = lock_snapshot.snapshot
                     and (c.relnamespace <> 'segdiff'::regnamespace or c.relkind <> 'r' or c.relrowsecurity
                          or c.relname !~ format('^segment_%s_%s_\d+$',
                                                 lock_snapshot.customer_id, lock_snapshot.segment_id))) then
            raise exception using errcode = 'wrong_object_type',
                message = format('%s is no snapshot of segment %s/%s',
                                 lock_snapshot.snapshot, lock_snapshot.customer_id, lock_snapshot.segment_id);
        end if;
        if lock_snapshot.snapshot = missing then
            raise exception using errcode = 'undefined_table',
                message = format('the snapshot table of segment %s/%s is missing',
                                 lock_snapshot.customer_id, lock_snapshot.segment_id);
        end if;
        begin
            execute format('lock table only %s in access share mode', lock_snapshot.snapshot);
            locked := lock_snapshot.snapshot;
        exception when undefined_table or syntax_error then
            -- If the table was renamed while its name was looked up, the next round of the loop finds its new name. If
            -- the table was dropped, the next round finds its successor in the registry, or raises an error.
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
    if read_segment.since <= target
       and segdiff.is_retained(read_segment.customer_id, read_segment.segment_id, read_segment.since) then
        return query select target, false, null::bigint, null::boolean;
        return query select target, false, d.contact_id, d.added
                     from segdiff.diff_rows(
                         read_segment.customer_id, read_segment.segment_id, read_segment.since, target) d;
    else
        select l.version, l.snapshot into target, snapshot
        from segdiff.lock_snapshot(read_segment.customer_id, read_segment.segment_id) l;
        return query select target, true, null::bigint, null::boolean;
        return query execute format('select $1, true, contact_id, true from only %s', snapshot) using target;
    end if;
end $$;
comment on function segdiff.read_segment(bigint, bigint, bigint) is
    'What changed since a version, in one call. The first row is a header without contact: the version to remember, '
    'and whether the rows are complete (a full snapshot: forget what you had) or changes. '
    'No row at all: no version yet.';

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
            select contact_id from only %s s
            where not exists (select from back b where b.contact_id = s.contact_id and not b.added)
            union all
            select contact_id from back where added$q$, snapshot)
        using members.customer_id, members.segment_id, target, members.version;
    end if;
end $$;
comment on function segdiff.members(bigint, bigint, bigint) is
    'The members of a segment at its current version, or at an earlier one that is still retained.';
