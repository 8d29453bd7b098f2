-- The memory of small, precious tables: who changed what, and what it was before. And what is needed to undo a run.

create table segdiff.audited_tables (
    relation    oid         not null primary key,
    best_effort boolean     not null,
    enabled_at  timestamptz not null default now(),
    enabled_by  text        not null
);
comment on table segdiff.audited_tables is 'Tables whose changes are recorded in segdiff.audit_log.';
comment on column segdiff.audited_tables.best_effort is 'A change is kept, with a warning, also when it cannot be recorded.';

create sequence segdiff.audit_ids as bigint;
create sequence segdiff.audit_statements as bigint;

-- Who and when are defaults, so that whatever records a change says only what changed.
create table segdiff.audit_log (
    audit_id       bigint      not null default nextval('segdiff.audit_ids'),
    changed_at     timestamptz not null default clock_timestamp(),
    statement_id   bigint      not null default nextval('segdiff.audit_statements'),
    relation       oid         not null,
    table_name     text        not null,
    operation      text        not null check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')),
    key            jsonb       not null,
    moved_key      jsonb,
    old_row        jsonb,
    new_row        jsonb,
    transaction_id bigint      not null default pg_current_xact_id()::text::bigint,
    role           text        not null default session_user,
    application    text                 default nullif(current_setting('application_name'), ''),
    actor          text                 default nullif(current_setting('segdiff.actor', true), ''),
    run_id         bigint               default substring(current_setting('segdiff.run', true) from '^\d{1,18}$')::bigint,
    undoes         text                 default nullif(current_setting('segdiff.undoes', true), ''),
    check ((old_row is null) = (operation = 'INSERT')),
    check ((new_row is null) = (operation in ('DELETE', 'TRUNCATE')))
) partition by range (changed_at);
create index on segdiff.audit_log (relation, audit_id);
comment on table segdiff.audit_log is 'Each change of an audited row. An UPDATE that moves a key is a DELETE and an INSERT; a TRUNCATE is recorded row by row.';
comment on column segdiff.audit_log.audit_id is 'In the order in which PostgreSQL changed the rows.';
comment on column segdiff.audit_log.statement_id is 'What one statement changed; foreign keys hold only at its end.';
comment on column segdiff.audit_log.relation is 'The table, by oid: it keeps its oid when it is renamed.';
comment on column segdiff.audit_log.table_name is 'Its name at that time.';
comment on column segdiff.audit_log.moved_key is 'The other key of a row whose key was changed: where it went, or came from.';
comment on column segdiff.audit_log.actor is 'What the application says: set local segdiff.actor = ''anna''.';
comment on column segdiff.audit_log.undoes is 'What an undo reverted.';

-- event-expiry makes more, and drops what is older than the retention; the default partition is for when it does not run.
create table segdiff.audit_log_default partition of segdiff.audit_log default;
do $$
declare
    month timestamp := date_trunc('month', now() at time zone 'UTC');
begin
    for n in 0..1 loop
        execute format('create table segdiff.audit_log_%s partition of segdiff.audit_log for values from (%L) to (%L)',
                       to_char(month + n * interval '1 month', 'YYYY_MM'),
                       (month + n * interval '1 month') at time zone 'UTC',
                       (month + (n + 1) * interval '1 month') at time zone 'UTC');
    end loop;
end $$;

-- Which run took a table away, so that it can be put back.
alter table segdiff.trash add column run_id bigint;
comment on column segdiff.trash.run_id is 'The run that moved it here; null: a person did.';

-- It is told now which of several removals to take back.
drop function if exists segdiff.restore_segment(bigint, bigint);

create table segdiff.exempt_partitions (
    relation    oid         not null primary key,
    policy      text        not null,
    exempted_at timestamptz not null default now(),
    exempted_by text        not null
);
comment on table segdiff.exempt_partitions is 'Partitions that an undo has put back: event-expiry leaves them alone until they are no longer listed here.';

-- The triggers come with the functions.
insert into segdiff.audited_tables (relation, best_effort, enabled_by) values ('segdiff.segments'::regclass, false, 'segdiff');
