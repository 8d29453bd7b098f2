-- The registry is audited from the first day; and whatever was audited before these functions changed has its triggers. Those
-- of a former version work, too: they only take longer, and so may those of a table that is busy, or that is not ours.
do $$
declare
    audited record;
begin
    for audited in
        select a.*, exists (select from pg_trigger t where t.tgrelid = a.relation and t.tgname like 'segdiff\_audit\_%') as has_some
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
