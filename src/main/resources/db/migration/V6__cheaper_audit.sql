-- Whoever changes an audited row waits for this, and this for whoever reads the log: it gives up soon, and may be tried again.
set local lock_timeout = '5s';

-- A statement's number says only what belongs together, so that a session may take some in advance. First, as writers
-- take their locks in this order.
alter sequence segdiff.audit_statements cache 32;

-- A statement that writes to the log reads the text of each check of it anew, which took a fifth of the time of an audited
-- update. Only segdiff's triggers write to it, and they fill in old_row and new_row as the operation asks.
do $$
declare
    old name;
begin
    for old in select c.conname from pg_constraint c where c.conrelid = 'segdiff.audit_log'::regclass and c.contype = 'c' loop
        execute format('alter table segdiff.audit_log drop constraint %I', old);
    end loop;
end $$;
comment on column segdiff.audit_log.operation is 'INSERT, UPDATE, DELETE or TRUNCATE.';
comment on column segdiff.audit_log.old_row is 'The row before; null for an INSERT.';
comment on column segdiff.audit_log.new_row is 'The row after; null for a DELETE and a TRUNCATE.';
