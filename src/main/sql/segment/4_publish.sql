-- How a run makes a version: it claims the segment, publishes the version, and drops diffs that are too old.

-- Locks a segment until the transaction ends, or ends the transaction with the error SD001. The day of the current
-- version is in the locked row, so the function reads it anew if another worker has just given the lock back. The
-- current version and the source, which the caller has read earlier, are compared after the lock.
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
            message = format('segment %s/%s is held by another worker, or has its version of %s',
                             customer_id, segment_id, day);
    end if;
end $$;
revoke execute on function segdiff.claim_segment from public;

-- The last step of a version: counts its contacts and makes it current. The registry row is locked first and the table
-- second, in the order in which readers lock them. Sequential scans are switched off, because the session keeps the
-- plan: a plan that is made while the month's partition is almost empty would read the whole partition for each later
-- segment.
create or replace function segdiff.publish_version(
    customer_id bigint, segment_id bigint, version bigint, snapshot_name name,
    day date, baseline boolean, run_id bigint,
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

-- Drops a partition of old diffs. A reader that needs these diffs gets all members of the segment instead. So the
-- function first checks that the snapshots of all segments exist, and raises an error if one is missing.
create or replace function segdiff.drop_diffs(diffs regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    lacking text := (select string_agg(format('%s/%s', s.customer_id, s.segment_id), ', '
                                       order by s.customer_id, s.segment_id)
                     from segdiff.segments s
                     where s.current_version is not null
                       and not exists (select from pg_class c where c.oid = s.snapshot));
begin
    if lacking is not null then
        raise exception using errcode = 'SD004',
            message = format('old diffs are kept: nothing stands in for them while the snapshots of segments %s '
                             'are missing', lacking);
    end if;
    execute format('drop table %s', diffs);
end $$;
revoke execute on function segdiff.drop_diffs from public;
