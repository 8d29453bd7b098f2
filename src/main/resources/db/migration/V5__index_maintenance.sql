-- What index-maintenance did, and what it left alone and why; and storage parameters that fit the life of segdiff's tables.

create table segdiff.index_rebuilds (
    rebuild_id     bigint           generated always as identity primary key,
    run_id         bigint           not null,
    index_oid      oid              not null,
    index_name     text             not null,
    table_oid      oid              not null,
    table_name     text             not null,
    started_at     timestamptz      not null default clock_timestamp(),
    ended_at       timestamptz,
    outcome        text             check (outcome in ('rebuilt', 'refuted', 'skipped', 'failed', 'cut_off')),
    reason         text,
    bytes_before   bigint           not null,
    bytes_after    bigint,
    bloat_before   double precision not null,
    bloat_after    double precision,
    measured       boolean          not null,
    estimate_error double precision,
    invalid_before oid[]            not null default '{}',
    new_oid        oid,
    clean          boolean          not null default false,
    check ((ended_at is null) = (outcome is null))
);
create index on segdiff.index_rebuilds (table_oid, index_name, rebuild_id);
create index on segdiff.index_rebuilds (rebuild_id) where not clean;
comment on table segdiff.index_rebuilds is 'Each rebuild of an index, noted before it begins, and each that was called for and left alone; refuted: it was measured, and is not bloated.';
comment on column segdiff.index_rebuilds.index_oid is 'The index that was to be replaced: a rebuild gives its name to another.';
comment on column segdiff.index_rebuilds.bloat_before is 'Its pages against those that a fresh one needs.';
comment on column segdiff.index_rebuilds.measured is 'Whether pgstatindex has measured that; if not, statistics say so.';
comment on column segdiff.index_rebuilds.estimate_error is 'What statistics said of it, against what it was: measured, or fresh and so 1. It corrects them from then on.';
comment on column segdiff.index_rebuilds.invalid_before is 'Invalid indexes that the table had before: not left behind by this rebuild.';
comment on column segdiff.index_rebuilds.new_oid is 'The index that was being built.';
comment on column segdiff.index_rebuilds.clean is 'Nothing of it is left behind.';

create table segdiff.vacuums (
    vacuum_id   bigint      generated always as identity primary key,
    run_id      bigint      not null,
    relation    oid         not null,
    table_name  text        not null,
    kind        text        not null check (kind in ('vacuum', 'analyze', 'freeze')),
    started_at  timestamptz not null default clock_timestamp(),
    ended_at    timestamptz,
    dead_before bigint      not null,
    changes     bigint      not null
);
create index on segdiff.vacuums (relation, vacuum_id);
comment on table segdiff.vacuums is 'Each table that index-maintenance has vacuumed, analyzed or frozen.';
comment on column segdiff.vacuums.ended_at is 'Null: it was cut off.';
comment on column segdiff.vacuums.changes is 'Rows ever inserted, updated and deleted, as PostgreSQL counted them then: a frozen partition that has changed since is frozen again.';

-- Each segment is marked as used, or worked on, several times a day: with room on its page a row is changed in place
-- (HOT), without a new entry in any index.
alter table segdiff.segments set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
alter table segdiff.segment_states set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
-- A few rows, each changed every few seconds for as long as a job runs, or with each run.
alter table segdiff.leases set (fillfactor = 50);
alter table segdiff.run_totals set (fillfactor = 50);
-- Versions come and go from both ends; a fifth of them, the default, are many days of all segments.
alter table segdiff.segment_versions set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- Diffs are only inserted: what vacuum does for them is the visibility map, for scans of the index alone, and it comes
-- after a million rows, not after a fifth of the largest table. DiffPartitions does so for new ones. Snapshots are as
-- many as segments, too many to lock in one transaction: new ones get theirs when they are made.
do $$
declare
    partition regclass;
begin
    for partition in select inhrelid from pg_inherits where inhparent = 'segdiff.segment_diffs'::regclass loop
        execute format('alter table %s set (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000, autovacuum_analyze_scale_factor = 0.02)', partition);
    end loop;
end $$;
