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
    outcome        text             check (outcome in ('rebuilt', 'skipped', 'failed', 'cut_off')),
    reason         text,
    bytes_before   bigint           not null,
    bytes_after    bigint,
    bloat_before   double precision not null,
    bloat_after    double precision,
    measured       boolean          not null,
    fresh_estimate double precision,
    invalid_before oid[]            not null default '{}',
    new_oid        oid,
    clean          boolean          not null default false,
    check ((ended_at is null) = (outcome is null))
);
create index on segdiff.index_rebuilds (table_oid, index_name, rebuild_id);
create index on segdiff.index_rebuilds (rebuild_id) where not clean;
comment on table segdiff.index_rebuilds is 'Each rebuild of an index, noted before it begins, and each that was called for and left alone.';
comment on column segdiff.index_rebuilds.index_oid is 'The index that was to be replaced: a rebuild gives its name to another.';
comment on column segdiff.index_rebuilds.bloat_before is 'Its pages against those that a fresh one needs.';
comment on column segdiff.index_rebuilds.measured is 'Whether pgstatindex has measured that; if not, statistics say so.';
comment on column segdiff.index_rebuilds.fresh_estimate is 'What statistics said of it right after the rebuild: their error with this index.';
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
