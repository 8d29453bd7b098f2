-- Functions on the tables with which the jobs work: one gives a table to another owner, one looks for an index.

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
