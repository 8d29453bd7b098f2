-- How unused segments and forgotten snapshots go to the trash, and how a segment comes back from there.

-- The tables that look like a snapshot in every respect, but belong to no segment.
create or replace view segdiff.orphan_snapshots as
    select c.oid, c.relname
    from pg_class c
    where c.relnamespace = 'segdiff'::regnamespace and c.relkind = 'r' and not c.relispartition
      and c.relname ~ '^segment_\d+_\d+_\d+$'
      and (select array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod))
           from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
          in (array['contact_id bigint'], array['contact_id integer'], array['contact_id smallint'])
      and not exists (select from segdiff.segments s where s.snapshot = c.oid);

-- Deletes a segment from the registry and moves its snapshot to the trash. Returns false if the segment does not exist,
-- or was used after `unused_since`. Raises lock_not_available if a worker is working on the segment. The locks are
-- taken in the order of publish_version: state, registry row, table.
create or replace function segdiff.trash_segment(customer_id bigint, segment_id bigint, unused_since timestamptz)
returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    segment segdiff.segments;
    noted bigint;
begin
    -- A segment is used once a day. A moment less than a day ago is a mistake of the caller, and would take all
    -- segments.
    if trash_segment.unused_since > now() - interval '1 day' then
        raise exception using errcode = 'SD005',
            message = format('segments unused since %s were to be removed, expected a moment before %s',
                             trash_segment.unused_since, now() - interval '1 day');
    end if;
    perform from segdiff.segment_states w
    where w.customer_id = trash_segment.customer_id and w.segment_id = trash_segment.segment_id
    for update skip locked;
    if not found
       and exists (select from segdiff.segments s
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
                               'source_owner', segment.source_owner, 'row_security', segment.row_security,
                               'version', segment.current_version, 'created_at', segment.created_at,
                               'last_used_at', segment.last_used_at, 'day', v.day, 'contacts', v.contacts)
        from (values (1)) one left join segdiff.segment_versions v on v.version = segment.current_version
        on conflict (relation) do update
        set kind = excluded.kind, owner = excluded.owner, origin = excluded.origin,
            details = excluded.details, moved_at = null
        returning trash_id into noted;
        perform segdiff.move_to_trash(noted);
    end if;
    delete from segdiff.segments s
    where s.customer_id = trash_segment.customer_id and s.segment_id = trash_segment.segment_id;
    return true;
end $$;
revoke execute on function segdiff.trash_segment from public;

-- Brings a segment back that trash_segment took away; the newest one, if there are several. Its version becomes a
-- baseline, so that readers of earlier versions get the full snapshot: some of its diffs may have been dropped since.
create or replace function segdiff.restore_segment(customer_id bigint, segment_id bigint, trash_id bigint default null)
returns bigint
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
            message = format('segment %s/%s is not in the trash',
                             restore_segment.customer_id, restore_segment.segment_id),
            hint = 'see: segdiff segments list --trash';
    end if;
    if exists (select from segdiff.segments s
               where s.customer_id = restore_segment.customer_id and s.segment_id = restore_segment.segment_id) then
        raise exception using errcode = 'no_data_found',
            message = format('segment %s/%s is registered anew',
                             restore_segment.customer_id, restore_segment.segment_id),
            hint = 'remove it first';
    end if;
    execute format('alter table %s set schema segdiff', waiting.relation::regclass);
    name := concat_ws('_', 'segment', customer_id, segment_id, waiting.details ->> 'version');
    if not exists (select from pg_class c where c.oid = waiting.relation and c.relname = name) then
        execute format('alter table %s rename to %I', waiting.relation::regclass, name);
    end if;
    insert into segdiff.segments
        (customer_id, segment_id, source, registered_by, source_owner, row_security,
         current_version, snapshot, created_at)
    values (restore_segment.customer_id, restore_segment.segment_id,
            segdiff.qualified_source(waiting.details ->> 'source'),
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
