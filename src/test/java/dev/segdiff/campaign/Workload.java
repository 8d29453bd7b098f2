package dev.segdiff.campaign;

import dev.segdiff.support.Segdiff;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;

/** Tables and segments that each job has something to do with, every time anew. */
final class Workload {
    static final int SEGMENTS = 4;
    static final int YOUNG = 500;

    /** Rows of earlier days than this are not compared any more. */
    private static final int COMPARED_DAYS = 50;

    private final TestDatabase db;
    private final Path directory;
    private LocalDate day = LocalDate.now().minusDays(1500);
    private int rounds;

    Workload(TestDatabase db, Path directory) {
        this.db = db;
        this.directory = directory;
    }

    LocalDate day() {
        return day;
    }

    Path directory(String name) throws IOException {
        return Files.createDirectories(directory.resolve(name));
    }

    /** The program, its output going to a directory of its own, on the way to the database that is given. */
    Segdiff segdiff(String name, TestDatabase way) throws IOException {
        return new Segdiff(directory(name))
                .on(way)
                .withPolicy("E", "public.event", "90d")
                .with("SEGDIFF_EVENTS_E_MAX_SHARE", "100%")
                .withPolicy("P", "public.part", "90d")
                .with("SEGDIFF_EVENTS_P_PARTITIONS_AHEAD", "0")
                .with("SEGDIFF_SEGMENTS_DIFF_RETENTION", "3650d")
                .with("SEGDIFF_BATCH_MAX_ROWS", "200")
                .with("SEGDIFF_INDEX_MIN_SIZE", "64kB")
                .with("SEGDIFF_INDEX_REBUILD_AGAIN_AFTER", "1s")
                .with("SEGDIFF_SCHEDULE_ENABLED", "false")
                .with("SEGDIFF_LEASE_DURATION", "1s");
    }

    Segdiff segdiff(String name) throws IOException {
        return segdiff(name, db);
    }

    /** Members are read slowly enough to be hit, and who deletes under whose lease is written down. */
    void prepare() {
        db.execute(
                "create table moments (day date, segment_id bigint, contact_id bigint)",
                "create index on moments (segment_id, day)",
                "create table source (segment_id bigint, contact_id bigint)",
                """
                create view audience as
                select segment_id, contact_id from source where (select pg_sleep(0.05)) is not null
                """,
                "create table quiet as select 1::bigint as contact_id",
                """
                insert into segdiff.segments (customer_id, segment_id, source)
                select 7, s, 'public.audience' from generate_series(1, %d) s
                """.formatted(SEGMENTS),
                "insert into source select s, c from generate_series(1, %d) s, generate_series(1, 200) c"
                        .formatted(SEGMENTS),
                """
                create table event (id bigint generated always as identity primary key,
                                    created_at timestamptz not null, note text)
                """,
                "create index event_time on event (created_at)",
                "insert into event (created_at) select now() - g * interval '1 hour' from generate_series(1, %d) g"
                        .formatted(YOUNG),
                "create table part (created_at timestamptz not null) partition by range (created_at)",
                "create table part_now partition of part for values from ('2020-01-01') to (maxvalue)",
                "insert into part select now() from generate_series(1, %d)".formatted(YOUNG),
                "create table bulk (id int, other int, note text)",
                "create index on bulk (id)",
                "create index on bulk (other)",
                "create index on bulk (note)",
                "create table deletes (pid int, run_id bigint)",
                """
                create function deletes() returns trigger language plpgsql security definer as $$
                begin
                    insert into public.deletes
                    select pg_backend_pid(), l.run_id from segdiff.leases l where l.job = 'event-expiry';
                    return null;
                end $$
                """,
                "create trigger deletes after delete on event execute function deletes()");
        db.giveToWorker("part");
        db.giveToWorker("event");
        db.giveToWorker("bulk");
    }

    /** Indexes that are mostly empty. */
    void bloat() {
        db.execute(
                "insert into bulk select g, hashint4(g), md5(g::text) from generate_series(1, 10000) g",
                "delete from bulk where id % 20 <> 0",
                "delete from bulk where ctid < (select max(ctid) from bulk) and random() < 0.5");
    }

    /** What each job needs to have something to do; on a new day. */
    void round() {
        rounds++;
        day = day.plusDays(1);
        db.execute(
                "truncate deletes",
                "delete from source where contact_id %% 20 = %d".formatted(rounds % 20),
                "insert into source select s, %d + c from generate_series(1, %d) s, generate_series(1, 15) c"
                        .formatted(1000 + rounds * 100, SEGMENTS),
                """
                insert into event (created_at)
                select now() - interval '91 days' - g * interval '1 second' from generate_series(1, 600) g
                """,
                """
                create table part_old_%1$d partition of part for values from ('%2$s') to ('%3$s')
                """.formatted(rounds, expired(0), expired(1)),
                "insert into part values ('%s 12:00:00')".formatted(expired(0)),
                "update segdiff.trash set moved_at = moved_at - interval '8 days' where kind = 'snapshot'",
                "update segdiff.segments set last_used_at = now() - interval '40 days' where customer_id in (8, 9)");
        snapshots(8, 10);
        moment();
        db.giveToWorker("part_old_" + rounds);
    }

    private LocalDate expired(int further) {
        return LocalDate.of(1990, 1, 1).plusDays(rounds + further);
    }

    /** The sources as they are at this moment, under the day of the round. */
    private void moment() {
        db.execute(
                "insert into moments select '%s', segment_id, contact_id from source".formatted(day),
                "delete from moments where day < '%s'".formatted(day.minusDays(COMPARED_DAYS)));
    }

    /** Segments of a customer that nobody has used for long, with their snapshots; as many as are given. */
    void snapshots(int customer, int count) {
        db.execute("set role segdiff_worker", """
                do $$
                declare
                    v bigint;
                    snapshot text;
                begin
                    for s in %2$d..%3$d loop
                        v := nextval('segdiff.version_ids');
                        snapshot := format('segdiff.segment_%1$d_%%s_%%s', s, v);
                        execute format('create table %%s (contact_id bigint not null)', snapshot);
                        insert into segdiff.segments
                            (customer_id, segment_id, source, current_version, snapshot, last_used_at)
                        values (%1$d, s, 'public.quiet', v, snapshot::regclass, now() - interval '40 days');
                        insert into segdiff.segment_versions
                            (version, customer_id, segment_id, day, contacts, added, removed, baseline)
                        values (v, %1$d, s, current_date, 0, 0, 0, true);
                    end loop;
                end $$
                """.formatted(customer, rounds * 100, rounds * 100 + count - 1));
    }

    /** Contacts removed in the rounds that came to nothing may be too many for one version. */
    String[] arguments(String job) {
        return !job.equals("segment-diff")
                ? new String[] {"run", job}
                : new String[] {
                    "run",
                    job,
                    "--day",
                    day.toString(),
                    "--accept",
                    "7/1",
                    "--accept",
                    "7/2",
                    "--accept",
                    "7/3",
                    "--accept",
                    "7/4"
                };
    }
}
