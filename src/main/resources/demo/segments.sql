-- The events table that every product has, and a dozen segments over it, as an application would define them.
drop schema if exists segdiff_demo cascade;
create schema segdiff_demo;
comment on schema segdiff_demo is 'made by `segdiff demo`, replaced when it runs again';

create table segdiff_demo.activity (
    created_at    timestamptz not null,
    contact_id    bigint      not null,
    area          text,
    files         int         not null,
    lines_added   int         not null,
    lines_removed int         not null
);

create index on segdiff_demo.activity (created_at);

-- What had happened by the end of the logical day. Nothing here asks for the real date, so that a day can be replayed.
-- As a subquery the day is computed once, not for every row.
create view segdiff_demo.past as
    select * from segdiff_demo.activity where created_at < (select segdiff.logical_day()) + 1;

create view segdiff_demo.active_30_days as
    select contact_id from segdiff_demo.past where created_at >= (select segdiff.logical_day()) - 29;

create view segdiff_demo.active_90_days as
    select contact_id from segdiff_demo.past where created_at >= (select segdiff.logical_day()) - 89;

create view segdiff_demo.newcomers as
    select contact_id from segdiff_demo.past
    group by contact_id having min(created_at) >= (select segdiff.logical_day()) - 29;

create view segdiff_demo.lapsed as
    select contact_id from segdiff_demo.past where created_at >= (select segdiff.logical_day()) - 364
    group by contact_id having max(created_at) < (select segdiff.logical_day()) - 89;

create view segdiff_demo.regulars as
    select contact_id from segdiff_demo.past where created_at >= (select segdiff.logical_day()) - 89
    group by contact_id having count(distinct created_at::date) >= 10;

create view segdiff_demo.large_changes as
    select contact_id from segdiff_demo.past
    where created_at >= (select segdiff.logical_day()) - 29 and lines_added + lines_removed >= 1000;

create view segdiff_demo.weekenders as
    select contact_id from segdiff_demo.past
    where created_at >= (select segdiff.logical_day()) - 89 and extract(isodow from created_at) >= 6;

create view segdiff_demo.veterans as
    select contact_id from segdiff_demo.past
    group by contact_id
    having min(created_at) < (select segdiff.logical_day()) - 365 and max(created_at) >= (select segdiff.logical_day()) - 89;

-- One relation for several segments: it has the columns customer_id and segment_id.
create view segdiff_demo.by_area as
    select 1::bigint as customer_id, a.segment_id, p.contact_id
    from (values (9::bigint, 'lib'), (10, 'test'), (11, 'changelogs'), (12, '.github')) as a (segment_id, area)
    join segdiff_demo.past p on p.area = a.area and p.created_at >= (select segdiff.logical_day()) - 89;
