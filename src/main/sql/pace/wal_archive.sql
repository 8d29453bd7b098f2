-- How many finished WAL files the archiver has not archived yet. The last 16 hexadecimal digits of a WAL file's name
-- are two numbers of 8 digits each: the upper 32 bits of the file's position in the WAL, and the number of the file
-- within these 4 GiB (`per_half` files: 256 files of 16 MB). Until the first file has been archived the result is 0;
-- but if the archiver has failed by then, all files count.
create or replace function segdiff.unarchived_wal_files() returns bigint
language sql stable set search_path = pg_catalog, pg_temp as $$
    select case when current_setting('archive_mode') = 'off' then 0
                when archived.file is null then case when failed_count > 0 then current.number else 0 end
                else greatest(0, current.number - archived.number - 1) end
    from (select a.failed_count, substring(a.last_archived_wal from '^[0-9A-F]{24}') as file from pg_stat_archiver a) a
    cross join lateral (
        select a.file, 4294967296 / pg_size_bytes(current_setting('wal_segment_size')) as per_half) archived_file
    cross join lateral (select archived_file.file,
                               ('x' || substr(archived_file.file, 9, 8))::bit(32)::bigint * per_half
                               + ('x' || substr(archived_file.file, 17, 8))::bit(32)::bigint as number) archived
    cross join lateral (select pg_walfile_name(pg_current_wal_lsn()) as name) now_file
    cross join lateral (select ('x' || substr(name, 9, 8))::bit(32)::bigint * per_half
                               + ('x' || substr(name, 17, 8))::bit(32)::bigint as number) current
$$;
comment on function segdiff.unarchived_wal_files() is 'Finished WAL files that the archiver has not yet archived.';
