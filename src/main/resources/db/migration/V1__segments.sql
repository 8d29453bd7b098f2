-- The registry, the versions, the diffs and the ledger. Everything segdiff knows lies in the schema `segdiff`.

create table segdiff.segments (
    customer_id     bigint      not null check (customer_id >= 0),
    segment_id      bigint      not null check (segment_id >= 0),
    source          text,
    current_version bigint,
    snapshot        regclass,
    created_at      timestamptz not null default now(),
    last_used_at    timestamptz not null default now(),
    primary key (customer_id, segment_id)
);
comment on table segdiff.segments is 'One row per segment: where its contacts come from, its current version, and when it was last used.';
comment on column segdiff.segments.source is 'Table, view or foreign table with a column contact_id; null: the ids are uploaded.';
comment on column segdiff.segments.snapshot is 'The snapshot table, by oid: it keeps its oid when it is renamed to the next version.';

-- What the workers know of a segment. It is a table of its own, so that a worker can hold a segment by locking its row
-- here for as long as the diff takes, while readers go on marking the segment as used.
create table segdiff.segment_states (
    customer_id      bigint not null,
    segment_id       bigint not null,
    day              date,
    problem          text check (problem in ('failed', 'held_back', 'busy')),
    problem_reason   text,
    problem_day      date,
    problem_since    timestamptz,
    primary key (customer_id, segment_id),
    foreign key (customer_id, segment_id) references segdiff.segments on delete cascade,
    check ((problem is null) = (problem_reason is null))
);
comment on column segdiff.segment_states.day is 'Logical day of the current version: the segment is due when it lies before the run''s day.';
comment on column segdiff.segment_states.problem is 'Why the last attempt published nothing; null after a success.';

create function segdiff.add_segment_state() returns trigger language plpgsql as $$
begin
    insert into segdiff.segment_states (customer_id, segment_id) values (new.customer_id, new.segment_id);
    return null;
end $$;
create trigger add_segment_state after insert on segdiff.segments for each row execute function segdiff.add_segment_state();

-- One sequence for all segments: a version names one moment of one segment for ever, also when the segment is removed
-- and registered again.
create sequence segdiff.version_ids as bigint;

create table segdiff.segment_versions (
    version      bigint      not null primary key,
    customer_id  bigint      not null,
    segment_id   bigint      not null,
    day          date        not null,
    contacts     bigint      not null,
    added        bigint      not null,
    removed      bigint      not null,
    baseline     boolean     not null,
    run_id       bigint,
    published_at timestamptz not null default now(),
    unique (customer_id, segment_id, version),
    foreign key (customer_id, segment_id) references segdiff.segments on delete cascade
);
comment on column segdiff.segment_versions.baseline is 'Has no diffs: whoever comes from an earlier version reads the snapshot.';

-- The largest table. A version belongs to one segment and one day, so (version, contact_id) says it all in 16 bytes.
-- Partitioned by the version's day: what is too old, or belongs to a removed segment, leaves with its partition.
-- Each partition has a unique index on (version, contact_id); a version lies in one partition, so that it is unique
-- over all of them, without the day in every index entry.
create table segdiff.segment_diffs (
    version    bigint  not null,
    contact_id bigint  not null,
    day        date    not null,
    added      boolean not null
) partition by range (day);

create table segdiff.runs (
    run_id       bigint      generated always as identity primary key,
    job          text        not null,
    trigger      text        not null,
    actor        text,
    worker       text        not null,
    day          date        not null,
    dry_run      boolean     not null,
    started_at   timestamptz not null default clock_timestamp(),
    heartbeat_at timestamptz not null default clock_timestamp(),
    ended_at     timestamptz,
    outcome      text check (outcome in ('SUCCEEDED', 'SKIPPED', 'FAILED', 'REFUSED', 'INTERRUPTED')),
    reason       text,
    counts       jsonb       not null default '{}',
    problems     jsonb       not null default '[]',
    check ((ended_at is null) = (outcome is null))
) with (fillfactor = 80);
create index on segdiff.runs (job, run_id);
comment on column segdiff.runs.heartbeat_at is 'Moved while the run lives; a run without end whose heartbeat is old was killed.';
