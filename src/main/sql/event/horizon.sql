-- The time before which the rows of an event policy have expired. No other SQL computes this time.

create or replace function segdiff.horizon(policy text) returns timestamptz
language plpgsql stable parallel safe security definer
    set search_path = pg_catalog, pg_temp set row_security = off as $$
declare
    age interval;
begin
    select p.retention into age from segdiff.event_policies p where p.policy = horizon.policy;
    if not found then
        raise exception using errcode = 'no_data_found',
            message = format('there is no event policy %L', horizon.policy),
            hint = 'policies are known from the first run of event-expiry on: segdiff run event-expiry';
    end if;
    return now() - age;
end $$;
comment on function segdiff.horizon(text) is
    'The instant before which rows of an event policy have expired, whatever the cleaner has managed: '
    'where created_at >= segdiff.horizon(''audit'').';
