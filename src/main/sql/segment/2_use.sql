-- What an application calls before it reads a segment: the functions register the segment and mark it as used.

-- Marks a segment as used, at most once a minute. A reader that cannot write (on a standby, or in a read-only
-- transaction) leaves no mark. If the row is locked, another reader is marking the segment, or a version is being
-- published, which takes milliseconds. The reader does not wait for the lock, and leaves no mark then, either.
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
        -- The worker may read more than this role. So the name of this role is recorded, and the rights of this role
        -- are checked each time the source is read.
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
