-- Moves a table that has a row in segdiff.trash into the schema segdiff_trash. The indexes and sequences of the table
-- move along. A table, index or sequence whose name is taken in segdiff_trash gets a new name, which ends with its oid.
create or replace function segdiff.move_to_trash(trash_id bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    waiting segdiff.trash;
    taken record;
begin
    select * into strict waiting from segdiff.trash t
    where t.trash_id = move_to_trash.trash_id and t.moved_at is null for update;
    execute format('lock table %s in access exclusive mode', waiting.relation::regclass);
    if waiting.kind = 'orphan'
       and not exists (select from segdiff.orphan_snapshots o where o.oid = waiting.relation) then
        delete from segdiff.trash t where t.trash_id = move_to_trash.trash_id;
        return;
    end if;
    for taken in
        select c.oid, c.relname,
            case c.relkind when 'i' then 'index' when 'I' then 'index' when 'S' then 'sequence' else 'table' end as kind
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
    update segdiff.trash t
    set moved_at = now(), run_id = substring(current_setting('segdiff.run', true) from '^\d{1,18}$')::bigint
    where t.trash_id = move_to_trash.trash_id;
end $$;
revoke execute on function segdiff.move_to_trash from public;
