-- The name of a WAL file ends with the upper half of its position and its number within that half. Until the first file
-- has been archived nothing waits, unless the archiver has failed: then everything does.
create or replace function segdiff.unarchived_wal_files() returns bigint
language sql stable set search_path = pg_catalog, pg_temp as $$
    select case when current_setting('archive_mode') = 'off' then 0
                when archived.file is null then case when failed_count > 0 then current.number else 0 end
                else greatest(0, current.number - archived.number - 1) end
    from (select a.failed_count, substring(a.last_archived_wal from '^[0-9A-F]{24}') as file from pg_stat_archiver a) a
    cross join lateral (select a.file, 4294967296 / pg_size_bytes(current_setting('wal_segment_size')) as per_half) archived_file
    cross join lateral (select archived_file.file,
                               ('x' || substr(archived_file.file, 9, 8))::bit(32)::bigint * per_half
                               + ('x' || substr(archived_file.file, 17, 8))::bit(32)::bigint as number) archived
    cross join lateral (select pg_walfile_name(pg_current_wal_lsn()) as name) now_file
    cross join lateral (select ('x' || substr(name, 9, 8))::bit(32)::bigint * per_half
                               + ('x' || substr(name, 17, 8))::bit(32)::bigint as number) current
$$;
comment on function segdiff.unarchived_wal_files() is 'Finished WAL files that the archiver has not yet archived.';
