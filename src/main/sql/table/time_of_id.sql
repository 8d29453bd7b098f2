-- A UUIDv7 and a ULID begin with the time when they were made. These functions read this time from an id, and compute
-- the least id of a time. The jobs need both for the bounds of partitions and batches.

-- The milliseconds since 1970, as an id has them: 48 bits without a sign. Times before 1970 become 0, as in the least
-- id, and times after the year 10889 become the largest number of 48 bits.
create or replace function segdiff.id_millis(at timestamptz) returns bigint
language sql immutable strict parallel safe as $$
    select greatest(0, least(281474976710655, floor(extract(epoch from at) * 1000)))::bigint
$$;

create or replace function segdiff.uuid_at(at timestamptz) returns uuid
language sql stable strict parallel safe as $$
    select rpad(lpad(to_hex(segdiff.id_millis(at)), 12, '0'), 32, '0')::uuid
$$;
comment on function segdiff.uuid_at(timestamptz) is 'The least UUIDv7 (or ULID stored as uuid) of this millisecond.';

create or replace function segdiff.uuid_time(id text) returns timestamptz
language sql immutable parallel safe as $$
    select case when id ~ '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-'
                then to_timestamp(('x0000' || left(id, 8) || substr(id, 10, 4))::bit(64)::bigint / 1000.0) end
$$;
comment on function segdiff.uuid_time(text) is
    'When a UUIDv7 (or a ULID stored as uuid) was made; null for what is no UUID.';

-- The bound of a partition may be only the beginning of a ULID, such as 01J9. It is filled up with zeros to the least
-- ULID that begins so.
create or replace function segdiff.ulid_time(id text) returns timestamptz
language sql immutable parallel safe as $$
    select case when digits ~ '^[0-7][0-9A-HJKMNP-TV-Z]{9}$' then to_timestamp((
        select sum((strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(digits, n, 1)) - 1)::bigint << 5 * (10 - n))
        from generate_series(1, 10) n) / 1000.0) end
    from (select rpad(upper(left(id, 10)), 10, '0') as digits) d
$$;
comment on function segdiff.ulid_time(text) is 'When a ULID was made; null for what is no ULID.';

create or replace function segdiff.ulid_at(at timestamptz) returns text
language sql stable strict parallel safe as $$
    select string_agg(substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ',
                             1 + ((segdiff.id_millis(at) >> shift) & 31)::int, 1), '' order by shift desc)
           || repeat('0', 16)
    from generate_series(0, 45, 5) as shift
$$;
comment on function segdiff.ulid_at(timestamptz) is 'The least ULID of this millisecond.';
