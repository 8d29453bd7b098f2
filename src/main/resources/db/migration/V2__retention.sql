-- What the jobs that delete need: exclusive runs, controls from another shell, the trash, and the state of each event policy.

-- A role that may not create schemas finds it made by its administrator.
do $$
begin
    if to_regnamespace('segdiff_trash') is null then
        create schema segdiff_trash;
    end if;
end $$;
comment on schema segdiff_trash is 'Tables that segdiff has taken away and not yet dropped; segdiff.trash tells where they come from.';

create table segdiff.leases (
    job        text        not null primary key,
    token      bigint      not null,
    holder     text        not null,
    run_id     bigint      not null,
    taken_at   timestamptz not null,
    expires_at timestamptz not null
);
comment on column segdiff.leases.token is 'Grows with every holder: whoever comes with an older one has lost the lease.';

create table segdiff.job_controls (
    job             text not null primary key,
    paused_at       timestamptz,
    paused_by       text,
    pause_reason    text,
    rows_per_second bigint check (rows_per_second > 0),
    check (paused_at is not null or (paused_by is null and pause_reason is null))
);
comment on table segdiff.job_controls is 'What people told a job while it runs: segdiff pause, resume, limit.';

create table segdiff.trash (
    trash_id     bigint      generated always as identity primary key,
    relation     oid         not null unique,
    kind         text        not null check (kind in ('snapshot', 'orphan', 'partition')),
    owner        text        not null,
    origin       text        not null,
    planned_at   timestamptz not null default now(),
    moved_at     timestamptz,
    details      jsonb       not null default '{}'
);
create index on segdiff.trash (owner);
comment on table segdiff.trash is 'Tables to be dropped. Noted before the first step, so that a worker that is killed in between leaves nothing behind that nobody knows.';
comment on column segdiff.trash.relation is 'The table, by oid: it keeps its oid when it is moved.';
comment on column segdiff.trash.owner is 'The segment (7/42), orphan or event policy that it belonged to.';
comment on column segdiff.trash.moved_at is 'When it came into the schema segdiff_trash; null: it is still where it was.';
comment on column segdiff.trash.details is 'What is needed to bring it back.';

create table segdiff.event_policies (
    policy      text        not null primary key,
    relation    text        not null,
    key_column  text        not null,
    key_kind    text        not null,
    zone        text        not null,
    retention   interval    not null,
    cursor      text,
    seen_at     timestamptz not null default now()
);
comment on table segdiff.event_policies is 'The retention of each event table as configured when event-expiry last ran, and how far it came.';
comment on column segdiff.event_policies.cursor is 'Rows below it have been worked on; saved in the transaction of each batch.';

create table segdiff.event_days (
    policy  text   not null,
    day     date   not null,
    expired bigint not null,
    primary key (policy, day)
);
comment on table segdiff.event_days is 'How many rows each policy has expired a day (in UTC): the rate of its forecast.';

alter table segdiff.runs add column statements jsonb not null default '[]';
comment on column segdiff.runs.statements is 'What a dry run would have run.';
