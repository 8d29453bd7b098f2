-- Takes a partition out of the trash and attaches it to its table again. The partition is exempt from expiry until its
-- row in segdiff.exempt_partitions is deleted.
create or replace function segdiff.restore_partition(trash_id bigint, restored_by text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    waiting segdiff.trash;
    name text[];
begin
    select * into waiting from segdiff.trash t
    where t.trash_id = restore_partition.trash_id and t.kind = 'partition' and t.moved_at is not null for update;
    if not found then
        raise exception using errcode = 'no_data_found', message = 'the partition is no longer in the trash';
    end if;
    name := parse_ident(waiting.origin);
    execute format('alter table %s set schema %I', waiting.relation::regclass, name[1]);
    if not exists (select from pg_class c where c.oid = waiting.relation and c.relname = name[2]) then
        execute format('alter table %s rename to %I', waiting.relation::regclass, name[2]);
    end if;
    execute format('alter table %s attach partition %s for values from (%s) to (%s)',
                   (waiting.details ->> 'parent')::regclass, waiting.relation::regclass,
                   coalesce(quote_literal(waiting.details ->> 'from'), 'minvalue'),
                   coalesce(quote_literal(waiting.details ->> 'to'), 'maxvalue'));
    insert into segdiff.exempt_partitions (relation, policy, exempted_by)
    values (waiting.relation, waiting.owner, restored_by)
    on conflict (relation) do update
    set policy = excluded.policy, exempted_at = now(), exempted_by = excluded.exempted_by;
    delete from segdiff.trash t where t.trash_id = waiting.trash_id;
end $$;
revoke execute on function segdiff.restore_partition from public;

-- Takes a snapshot that belongs to no segment (an orphan) out of the trash. The table still belongs to no segment, and
-- the time until it goes to the trash begins anew.
create or replace function segdiff.restore_orphan(trash_id bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    waiting segdiff.trash;
begin
    select * into waiting from segdiff.trash t
    where t.trash_id = restore_orphan.trash_id and t.kind = 'orphan' and t.moved_at is not null for update;
    if not found then
        raise exception using errcode = 'no_data_found', message = 'the table is no longer in the trash';
    end if;
    execute format('alter table %s set schema segdiff', waiting.relation::regclass);
    delete from segdiff.trash t where t.trash_id = waiting.trash_id;
end $$;
revoke execute on function segdiff.restore_orphan from public;
