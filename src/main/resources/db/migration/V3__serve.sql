-- What serve needs: scheduled runs that happen once however many replicas there are, runs that can be asked to stop
-- from anywhere, and totals that hold when the pods that made them are long gone.

alter table segdiff.runs
    add column began             boolean     not null default false,
    add column planned_at        timestamptz,
    add column schedule          text,
    add column attempt           integer     not null default 1,
    add column resumes           boolean,
    add column stop_requested_by text,
    add column waits             jsonb       not null default '{}';
comment on column segdiff.runs.began is 'The job itself began: it was neither paused nor running elsewhere.';
comment on column segdiff.runs.planned_at is 'The moment of the schedule that this run is for.';
comment on column segdiff.runs.schedule is 'The schedule itself: its cron expression and zone.';
comment on column segdiff.runs.resumes is 'Whether a schedule makes up for it: it was interrupted, and neither by a person nor by its time budget.';
comment on column segdiff.runs.attempt is 'Counts the runs for that moment: one that is interrupted is made up for.';
comment on column segdiff.runs.stop_requested_by is 'The worker reads it with each heartbeat.';
comment on column segdiff.runs.waits is 'Seconds that the run yielded to the application, by reason.';

update segdiff.runs set began = true
where ended_at is not null
  and (outcome <> 'SKIPPED' or (reason not like 'runs elsewhere%' and reason not like 'paused by%'));

-- Whoever inserts first has the moment.
create unique index on segdiff.runs (job, planned_at, attempt) where planned_at is not null;

create table segdiff.run_totals (
    job   text    not null,
    kind  text    not null check (kind in ('outcome', 'count', 'wait')),
    name  text    not null,
    total numeric not null,
    primary key (job, kind, name)
);
comment on table segdiff.run_totals is 'Sums over all runs that have ended, dry runs aside: counters that never go back.';

create function segdiff.add_run_totals() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    insert into segdiff.run_totals as t (job, kind, name, total)
    select new.job, change.kind, change.name, sum(change.amount)
    from (
        select 'outcome' as kind, new.outcome as name, 1 as amount
        union all
        select 'count', c.key, c.value::numeric from jsonb_each_text(new.counts) c
        union all
        select 'wait', w.key, w.value::numeric from jsonb_each_text(new.waits) w
        -- A run that was taken for dead and closed, and came back to close itself.
        union all
        select 'outcome', old.outcome, -1 where old.ended_at is not null
        union all
        select 'count', c.key, -c.value::numeric from jsonb_each_text(old.counts) c where old.ended_at is not null
        union all
        select 'wait', w.key, -w.value::numeric from jsonb_each_text(old.waits) w where old.ended_at is not null
    ) change
    group by change.kind, change.name
    order by change.kind, change.name
    on conflict (job, kind, name) do update set total = t.total + excluded.total;
    return null;
end $$;

-- The runs that ended before.
insert into segdiff.run_totals (job, kind, name, total)
select job, 'outcome', outcome, count(*) from segdiff.runs
where ended_at is not null and not dry_run group by job, outcome
union all
select r.job, 'count', c.key, sum(c.value::numeric) from segdiff.runs r, jsonb_each_text(r.counts) c
where r.ended_at is not null and not r.dry_run group by r.job, c.key;

create trigger add_run_totals after update on segdiff.runs for each row
when (new.ended_at is not null and not new.dry_run) execute function segdiff.add_run_totals();
