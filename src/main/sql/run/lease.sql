-- Raises an error unless the caller holds the lease of the job. The row of the lease stays locked until the transaction
-- ends, so that no other worker can take the lease over between this proof and the commit. The heartbeat of the holder
-- has to wait until then, too.
create or replace function segdiff.prove_lease(job text, token bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    lease segdiff.leases;
begin
    select * into lease from segdiff.leases l where l.job = prove_lease.job for share;
    if lease.token is distinct from prove_lease.token or lease.expires_at < clock_timestamp() then
        raise exception using errcode = 'SD002', message = case
            when lease.token is distinct from prove_lease.token
            then format('lost the lease of %s to %s (run %s)', prove_lease.job, lease.holder, lease.run_id)
            else format('the lease of %s expired at %s', prove_lease.job, lease.expires_at) end;
    end if;
end $$;
revoke execute on function segdiff.prove_lease from public;
