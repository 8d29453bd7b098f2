-- What readers of event tables call, and what the jobs that delete need inside the server.

create or replace function segdiff.horizon(policy text) returns timestamptz
language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp set row_security = off as $$
declare
    age interval;
begin
    select p.retention into age from segdiff.event_policies p where p.policy = horizon.policy;
    if not found then
        raise exception using errcode = 'no_data_found',
            message = format('there is no event policy %L', horizon.policy),
            hint = 'policies are known from the first run of event-expiry on: segdiff run event-expiry';
    end if;
    return now() - age;
end $$;
comment on function segdiff.horizon(text) is
    'The instant before which rows of an event policy have expired, whatever the cleaner has managed: where created_at >= segdiff.horizon(''audit'').';

-- An id counts milliseconds since 1970 in 48 bits without a sign: the least id stands for all times before.
create or replace function segdiff.id_millis(at timestamptz) returns bigint
language sql immutable strict parallel safe as $$
    select greatest(0, least(281474976710655, floor(extract(epoch from at) * 1000)))::bigint
$$;

create or replace function segdiff.uuid_at(at timestamptz) returns uuid
language sql stable strict parallel safe as $$
    select rpad(lpad(to_hex(segdiff.id_millis(at)), 12, '0'), 32, '0')::uuid
$$;
comment on function segdiff.uuid_at(timestamptz) is 'The least UUIDv7 (or ULID stored as uuid) of this millisecond.';

create or replace function segdiff.uuid_time(id text) returns timestamptz
language sql immutable parallel safe as $$
    select case when id ~ '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-'
                then to_timestamp(('x0000' || left(id, 8) || substr(id, 10, 4))::bit(64)::bigint / 1000.0) end
$$;
comment on function segdiff.uuid_time(text) is 'When a UUIDv7 (or a ULID stored as uuid) was made; null for what is no UUID.';

-- A part of a ULID, as the bound of a partition may be, is filled up to the least one that begins so.
create or replace function segdiff.ulid_time(id text) returns timestamptz
language sql immutable parallel safe as $$
    select case when digits ~ '^[0-7][0-9A-HJKMNP-TV-Z]{9}$' then to_timestamp((
        select sum((strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(digits, n, 1)) - 1)::bigint << 5 * (10 - n))
        from generate_series(1, 10) n) / 1000.0) end
    from (select rpad(upper(left(id, 10)), 10, '0') as digits) d
$$;
comment on function segdiff.ulid_time(text) is 'When a ULID was made; null for what is no ULID.';

create or replace function segdiff.ulid_at(at timestamptz) returns text
language sql stable strict parallel safe as $$
    select string_agg(substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ',
                             1 + ((segdiff.id_millis(at) >> shift) & 31)::int, 1), '' order by shift desc)
           || repeat('0', 16)
    from generate_series(0, 45, 5) as shift
$$;
comment on function segdiff.ulid_at(timestamptz) is 'The least ULID of this millisecond.';

-- The row stays locked until the transaction ends, so that nobody can take the lease over between this proof and the
-- commit; the holder's own heartbeat waits for as long.
create or replace function segdiff.prove_lease(job text, token bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    lease segdiff.leases;
begin
    select * into lease from segdiff.leases l where l.job = prove_lease.job for share;
    if lease.token is distinct from prove_lease.token or lease.expires_at < clock_timestamp() then
        raise exception using errcode = 'SD002', message = case
            when lease.token is distinct from prove_lease.token
            then format('lost the lease of %s to %s (run %s)', prove_lease.job, lease.holder, lease.run_id)
            else format('the lease of %s expired at %s', prove_lease.job, lease.expires_at) end;
    end if;
end $$;
revoke execute on function segdiff.prove_lease from public;

-- The name of a WAL file ends with the upper half of its position and its number within that half. Until the first file
-- has been archived nothing waits, unless the archiver has failed: then everything does.
create or replace function segdiff.unarchived_wal_files() returns bigint
language sql stable set search_path = pg_catalog, pg_temp as $$
    select case when current_setting('archive_mode') = 'off' then 0
                when archived.file is null then case when failed_count > 0 then current.number else 0 end
                else greatest(0, current.number - archived.number - 1) end
    from (select a.failed_count, substring(a.last_archived_wal from '^[0-9A-F]{24}') as file from pg_stat_archiver a) a
    cross join lateral (select a.file, 4294967296 / pg_size_bytes(current_setting('wal_segment_size')) as per_half) archived_file
    cross join lateral (select archived_file.file,
                               ('x' || substr(archived_file.file, 9, 8))::bit(32)::bigint * per_half
                               + ('x' || substr(archived_file.file, 17, 8))::bit(32)::bigint as number) archived
    cross join lateral (select pg_walfile_name(pg_current_wal_lsn()) as name) now_file
    cross join lateral (select ('x' || substr(name, 9, 8))::bit(32)::bigint * per_half
                               + ('x' || substr(name, 17, 8))::bit(32)::bigint as number) current
$$;
comment on function segdiff.unarchived_wal_files() is 'Finished WAL files that the archiver has not yet archived.';

create or replace function segdiff.give_to_owner_of(relation regclass, model regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    owner oid := (select c.relowner from pg_class c where c.oid = model);
begin
    if owner <> (select c.relowner from pg_class c where c.oid = relation) then
        execute format('alter table %s owner to %s', relation, owner::regrole);
    end if;
end $$;
revoke execute on function segdiff.give_to_owner_of from public;

create or replace function segdiff.has_index(relation oid, attnum smallint) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select exists (select from pg_index i
                   join pg_class x on x.oid = i.indexrelid
                   join pg_am m on m.oid = x.relam
                   join pg_attribute a on a.attrelid = i.indrelid and a.attnum = has_index.attnum
                   where i.indrelid = has_index.relation and i.indkey[0] = a.attnum and m.amname = 'btree'
                     and i.indisvalid and i.indpred is null and i.indcollation[0] = a.attcollation)
$$;
comment on function segdiff.has_index(oid, smallint) is 'Whether an index yields the rows in the order of this column.';
revoke execute on function segdiff.has_index from public;

-- Moves a table that segdiff.trash knows into the schema segdiff_trash. Its indexes and sequences move along; whatever
-- has a name that is taken there gets a new one.
create or replace function segdiff.move_to_trash(trash_id bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    waiting segdiff.trash;
    taken record;
begin
    select * into strict waiting from segdiff.trash t where t.trash_id = move_to_trash.trash_id and t.moved_at is null for update;
    execute format('lock table %s in access exclusive mode', waiting.relation::regclass);
    if waiting.kind = 'orphan' and not exists (select from segdiff.orphan_snapshots o where o.oid = waiting.relation) then
        delete from segdiff.trash t where t.trash_id = move_to_trash.trash_id;
        return;
    end if;
    for taken in
        select c.oid, c.relname, case c.relkind when 'i' then 'index' when 'I' then 'index' when 'S' then 'sequence' else 'table' end as kind
        from pg_class c
        where (c.oid = waiting.relation
               or c.oid in (select i.indexrelid from pg_index i where i.indrelid = waiting.relation)
               or c.oid in (select d.objid from pg_depend d
                            where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
                              and d.refobjid = waiting.relation and d.deptype in ('a', 'i')
                              and exists (select from pg_class s where s.oid = d.objid and s.relkind = 'S')))
          and to_regclass(format('segdiff_trash.%I', c.relname)) is not null
    loop
        execute format('alter %s %s rename to %I', taken.kind, taken.oid::regclass,
                       left(taken.relname, 40) || '_' || taken.oid);
    end loop;
    execute format('alter table %s set schema segdiff_trash', waiting.relation::regclass);
    update segdiff.trash t set moved_at = now(), run_id = substring(current_setting('segdiff.run', true) from '^\d{1,18}$')::bigint
    where t.trash_id = move_to_trash.trash_id;
end $$;
revoke execute on function segdiff.move_to_trash from public;

-- A table that looks like a snapshot in every respect, and that no segment knows.
create or replace view segdiff.orphan_snapshots as
    select c.oid, c.relname
    from pg_class c
    where c.relnamespace = 'segdiff'::regnamespace and c.relkind = 'r' and not c.relispartition
      and c.relname ~ '^segment_\d+_\d+_\d+$'
      and (select array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod))
           from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
          in (array['contact_id bigint'], array['contact_id integer'], array['contact_id smallint'])
      and not exists (select from segdiff.segments s where s.snapshot = c.oid);

-- Takes a segment out of the registry and its snapshot into the trash; false if it is not there, or was used since. A
-- segment that is being worked on is busy. The order of locks is that of publish_version: state, registry row, table.
create or replace function segdiff.trash_segment(customer_id bigint, segment_id bigint, unused_since timestamptz) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    segment segdiff.segments;
    noted bigint;
begin
    -- A segment is used once a day: a later moment is a mistake of the caller, and would take all segments.
    if trash_segment.unused_since > now() - interval '1 day' then
        raise exception using errcode = 'SD005',
            message = format('segments unused since %s were to be removed, expected a moment before %s',
                             trash_segment.unused_since, now() - interval '1 day');
    end if;
    perform from segdiff.segment_states w
    where w.customer_id = trash_segment.customer_id and w.segment_id = trash_segment.segment_id
    for update skip locked;
    if not found and exists (select from segdiff.segments s
                             where s.customer_id = trash_segment.customer_id and s.segment_id = trash_segment.segment_id) then
        raise exception using errcode = 'lock_not_available',
            message = format('segment %s/%s is being worked on', trash_segment.customer_id, trash_segment.segment_id);
    end if;
    select * into segment from segdiff.segments s
    where s.customer_id = trash_segment.customer_id and s.segment_id = trash_segment.segment_id
      and (trash_segment.unused_since is null or s.last_used_at < trash_segment.unused_since)
    for update;
    if not found then return false; end if;
    if exists (select from pg_class c
               where c.oid = segment.snapshot and c.relnamespace = 'segdiff'::regnamespace
                 and c.relname ~ '^segment_\d+_\d+_\d+$') then
        insert into segdiff.trash (relation, kind, owner, origin, details)
        select segment.snapshot, 'snapshot', format('%s/%s', segment.customer_id, segment.segment_id),
            segment.snapshot::regclass::text,
            jsonb_build_object('source', segment.source, 'registered_by', segment.registered_by,
                               'source_owner', segment.source_owner, 'row_security', segment.row_security, 'version', segment.current_version, 'created_at', segment.created_at,
                               'last_used_at', segment.last_used_at, 'day', v.day, 'contacts', v.contacts)
        from (values (1)) one left join segdiff.segment_versions v on v.version = segment.current_version
        on conflict (relation) do update
        set kind = excluded.kind, owner = excluded.owner, origin = excluded.origin, details = excluded.details, moved_at = null
        returning trash_id into noted;
        perform segdiff.move_to_trash(noted);
    end if;
    delete from segdiff.segments s where s.customer_id = trash_segment.customer_id and s.segment_id = trash_segment.segment_id;
    return true;
end $$;
revoke execute on function segdiff.trash_segment from public;

-- Brings back what trash_segment took, the newest if there are several. The version becomes a baseline: of its diffs
-- some may be gone meanwhile, so that readers of earlier versions get the full snapshot.
create or replace function segdiff.restore_segment(customer_id bigint, segment_id bigint, trash_id bigint default null) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    waiting segdiff.trash;
    name text;
begin
    select * into waiting from segdiff.trash t
    where t.owner = format('%s/%s', restore_segment.customer_id, restore_segment.segment_id) and t.kind = 'snapshot'
      and t.moved_at is not null and (restore_segment.trash_id is null or t.trash_id = restore_segment.trash_id)
    order by t.moved_at desc, t.trash_id desc limit 1 for update;
    if not found then
        raise exception using errcode = 'no_data_found',
            message = format('segment %s/%s is not in the trash', restore_segment.customer_id, restore_segment.segment_id),
            hint = 'see: segdiff segments list --trash';
    end if;
    if exists (select from segdiff.segments s
               where s.customer_id = restore_segment.customer_id and s.segment_id = restore_segment.segment_id) then
        raise exception using errcode = 'no_data_found',
            message = format('segment %s/%s is registered anew', restore_segment.customer_id, restore_segment.segment_id),
            hint = 'remove it first';
    end if;
    execute format('alter table %s set schema segdiff', waiting.relation::regclass);
    name := concat_ws('_', 'segment', customer_id, segment_id, waiting.details ->> 'version');
    if not exists (select from pg_class c where c.oid = waiting.relation and c.relname = name) then
        execute format('alter table %s rename to %I', waiting.relation::regclass, name);
    end if;
    insert into segdiff.segments
        (customer_id, segment_id, source, registered_by, source_owner, row_security, current_version, snapshot, created_at)
    values (restore_segment.customer_id, restore_segment.segment_id, segdiff.qualified_source(waiting.details ->> 'source'),
            waiting.details ->> 'registered_by', waiting.details ->> 'source_owner',
            coalesce((waiting.details ->> 'row_security')::boolean, false),
            (waiting.details ->> 'version')::bigint, waiting.relation, (waiting.details ->> 'created_at')::timestamptz);
    update segdiff.segment_states w set day = (waiting.details ->> 'day')::date
    where w.customer_id = restore_segment.customer_id and w.segment_id = restore_segment.segment_id;
    insert into segdiff.segment_versions (version, customer_id, segment_id, day, contacts, added, removed, baseline)
    values ((waiting.details ->> 'version')::bigint, restore_segment.customer_id, restore_segment.segment_id,
            (waiting.details ->> 'day')::date, (waiting.details ->> 'contacts')::bigint, 0, 0, true);
    delete from segdiff.trash t where t.trash_id = waiting.trash_id;
    return (waiting.details ->> 'version')::bigint;
end $$;
revoke execute on function segdiff.restore_segment from public;
