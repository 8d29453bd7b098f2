-- The event policies: the time before which their rows have expired, and their tables. RetentionGuard computes the time
-- a second time on purpose, as the guard of each statement that deletes.

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

-- The tables of the event policies, for jobs that look after tables: index maintenance reads the view.
create or replace view segdiff.policy_tables as
    select p.policy, (parse_ident(p.relation))[1] as schema_name, (parse_ident(p.relation))[2] as table_name, p.key_kind
    from segdiff.event_policies p;
comment on view segdiff.policy_tables is 'The table of each event policy, by schema and name.';
