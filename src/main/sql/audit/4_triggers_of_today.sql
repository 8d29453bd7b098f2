-- Makes the triggers of audited tables whose triggers are missing, or were made by a former version of segdiff. They
-- are missing for segdiff.segments in a new schema, as this table is audited from the first day. Triggers of a former
-- version record the same changes and only take longer. So a table keeps them if it is busy, or if this role may not
-- change it.
do $$
declare
    audited record;
begin
    for audited in
        select a.*,
            exists (select from pg_trigger t
                    where t.tgrelid = a.relation and t.tgname like 'segdiff\_audit\_%') as has_some
        from segdiff.audited_tables a join pg_class c on c.oid = a.relation
        where not exists (select from pg_trigger t where t.tgrelid = a.relation and t.tgname like 'segdiff\_audit\_%'
                            and (starts_with(encode(t.tgargs, 'escape'), 'exact') or c.relkind = 'p' or a.best_effort
                                 or (segdiff.recording(c.oid)).as_text is not null))
    loop
        begin
            perform segdiff.enable_audit(audited.relation, audited.best_effort, audited.enabled_by);
            update segdiff.audited_tables a set enabled_at = audited.enabled_at where a.relation = audited.relation;
        exception when insufficient_privilege or lock_not_available then
            if not audited.has_some then raise; end if;
        end;
    end loop;
end $$;
