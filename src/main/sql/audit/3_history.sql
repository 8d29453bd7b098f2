-- The log for people to read: `changed` lists the columns whose values a change has changed.
create or replace view segdiff.audit_history as
    select l.audit_id, l.changed_at, l.relation, l.table_name, l.operation, l.key,
        array(select coalesce(o.key, n.key)
              from jsonb_each(coalesce(l.old_row, '{}')) o
              full join jsonb_each(coalesce(l.new_row, '{}')) n on n.key = o.key
              where o.value is distinct from n.value order by 1) as changed,
        l.old_row, l.new_row, l.transaction_id,
        coalesce(l.actor, l.role) as who, l.role, l.application, l.actor, l.run_id, l.undoes
    from segdiff.audit_log l;
comment on view segdiff.audit_history is
    'Who changed what: each change of an audited row, and the columns that it changed.';
