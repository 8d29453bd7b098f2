package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The jobs that delete: killed at random moments, stopped for longer than their lease, told to end. */
@Timeout(600)
class RetentionKillIT {
    private static final int KILLS = Integer.getInteger("segdiff.test.kills", 8);

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    private Segdiff segdiff() {
        return new Segdiff(directory)
                .on(db)
                .withPolicy("AUDIT", "public.event", "90d")
                .with("SEGDIFF_EVENTS_AUDIT_MAX_SHARE", "100%")
                .withPolicy("PARTS", "public.part", "90d")
                .with("SEGDIFF_BATCH_MAX_ROWS", "200")
                .with("SEGDIFF_BATCH_MAX_PAUSE", "20ms")
                .with("SEGDIFF_LEASE_DURATION", "1s");
    }

    /** Thirty batches of 200 rows, a few seconds in all. */
    private Segdiff slow() {
        return segdiff().with("SEGDIFF_BATCH_MAX_PAUSE", "300ms");
    }

    private void events() {
        db.execute(
                "create table event (id bigint generated always as identity primary key, created_at timestamptz not null)",
                "create index on event (created_at)",
                "insert into event (created_at) select now() - g * interval '1 hour' from generate_series(1, 2000) g",
                "create table part (id int, created_at timestamptz not null) partition by range (created_at)",
                "create table part_2020_01 partition of part for values from ('2020-01-01') to ('2020-02-01')",
                "create table part_now partition of part for values from ('2020-02-01') to (maxvalue)",
                "insert into part values (0, now())");
    }

    /** Expired rows that one run needs a second for, and some expired partitions. */
    private void expire(int round) {
        db.execute(
                "insert into event (created_at) select now() - interval '91 days' - g * interval '1 second' from generate_series(1, 6000) g",
                """
                do $$ begin
                    for n in 0..3 loop
                        execute format('create table part_%1$s_%%1$s partition of part for values from (%%2$L) to (%%3$L)', n,
                            date '2001-01-01' + %1$d * 4 + n, date '2001-01-01' + %1$d * 4 + n + 1);
                        execute format('insert into part values (1, %%L)', timestamp '2001-01-01 00:00:00' + (%1$d * 4 + n) * interval '1 day' + interval '1 hour');
                    end loop;
                end $$
                """.formatted(round));
        db.giveToWorker("part");
    }

    private Process startAndAwaitItsRun(Segdiff segdiff, String job) throws Exception {
        String before = db.value("select count(*) from segdiff.runs");
        Process process = segdiff.start("run", job);
        while (process.isAlive()
                && db.value("select count(*) from segdiff.runs").equals(before)) {
            Thread.onSpinWait();
        }
        return process;
    }

    private boolean killWithin(Segdiff segdiff, String job, Random random, int millis) throws Exception {
        Process process = startAndAwaitItsRun(segdiff, job);
        process.waitFor(random.nextInt(millis), TimeUnit.MILLISECONDS);
        process.destroyForcibly().waitFor();
        return db.value("select ended_at is null from segdiff.runs order by run_id desc limit 1")
                .equals("t");
    }

    @Test
    void killedExpiryLosesNoRowInsideTheRetentionAndNoPartition() throws Exception {
        events();
        Random random = new Random(7);
        int inTheMiddle = 0;
        for (int i = 0; i < KILLS; i++) {
            expire(i);
            inTheMiddle += killWithin(segdiff(), "event-expiry", random, 1500) ? 1 : 0;

            assertThat(db.value("select count(*) from event where created_at > now() - interval '89 days'"))
                    .as("rows inside the retention")
                    .isEqualTo("2000");
            assertThat(db.value(
                            "select coalesce(sum(expired), 0) + (select count(*) from event) from segdiff.event_days"))
                    .as("rows deleted and rows left")
                    .isEqualTo(String.valueOf(2000 + 6000 * (i + 1)));
            assertThat(db.rows("""
                    select c.relname from pg_class c
                    where c.relname ~ '^part_\\d+_\\d+$' and c.relkind = 'r' and not c.relispartition
                      and not exists (select from segdiff.trash t where t.relation = c.oid)
                    """)).as("partitions that nobody knows").isEmpty();
        }
        assertThat(inTheMiddle).as("kills that hit a living run").isPositive();

        Ended last = segdiff().run("run", "event-expiry");

        assertThat(last.exitCode()).as(last.toString()).isZero();
        assertThat(db.value("select count(*) from event")).isEqualTo("2000");
        assertThat(db.value("select count(*) from segdiff.trash where kind = 'partition' and moved_at is not null"))
                .isEqualTo(String.valueOf(4 * KILLS + 1));
        assertThat(db.value("select count(*) from part")).isEqualTo("1");
    }

    @Test
    void killedCleanupLeavesEverySnapshotCurrentOrInTheTrashOrGone() throws Exception {
        Random random = new Random(11);
        int inTheMiddle = 0;
        for (int i = 0; i < KILLS; i++) {
            unusedSegments(i * 1000, 400);
            db.execute("update segdiff.trash set moved_at = moved_at - interval '8 days' where trash_id % 2 = 0");
            inTheMiddle += killWithin(segdiff(), "snapshot-cleanup", random, 1000) ? 1 : 0;

            assertThat(db.rows("""
                    select c.relname from pg_class c
                    where c.relname ~ '^segment_\\d+_\\d+_\\d+$' and c.relkind = 'r'
                      and not (c.relnamespace = 'segdiff'::regnamespace
                               and exists (select from segdiff.segments s where s.snapshot = c.oid))
                      and not (c.relnamespace = 'segdiff_trash'::regnamespace
                               and exists (select from segdiff.trash t where t.relation = c.oid and t.moved_at is not null))
                    """))
                    .as("snapshots neither current nor in the trash")
                    .isEmpty();
            assertThat(db.rows("""
                    select s.segment_id from segdiff.segments s
                    where not exists (select from pg_class c where c.oid = s.snapshot and c.relnamespace = 'segdiff'::regnamespace)
                    """)).as("segments without their snapshot").isEmpty();
        }
        assertThat(inTheMiddle).as("kills that hit a living run").isPositive();

        assertThat(segdiff().run("run", "snapshot-cleanup").exitCode()).isZero();
        assertThat(db.rows("select * from segdiff.segments")).isEmpty();
    }

    private void unusedSegments(int from, int count) {
        db.execute("set role segdiff_worker", """
                do $$ begin
                    for s in %1$d..%2$d loop
                        execute format('create table segdiff.segment_7_%%s_%%s (contact_id bigint not null)', s, s);
                        insert into segdiff.segments (customer_id, segment_id, source, current_version, snapshot, last_used_at)
                        values (7, s, 'public.nowhere', s, format('segdiff.segment_7_%%s_%%s', s, s)::regclass, now() - interval '40 days');
                        insert into segdiff.segment_versions (version, customer_id, segment_id, day, contacts, added, removed, baseline)
                        values (s, 7, s, '2026-03-01', 0, 0, 0, true);
                    end loop;
                end $$
                """.formatted(from, from + count - 1));
    }

    @Test
    void workerThatWasStoppedForLongerThanItsLeaseCommitsNothingMore() throws Exception {
        events();
        expire(0);
        Process stopped = startAndAwaitItsRun(slow(), "event-expiry");
        String firstRun = db.value("select max(run_id) from segdiff.runs");
        while (db.rows("select * from segdiff.event_days").isEmpty()) {
            Thread.onSpinWait();
        }
        signal("STOP", stopped);

        Ended second = segdiffIn("second").run("run", "event-expiry");

        assertThat(second.exitCode()).as(second.toString()).isZero();
        assertThat(second.err()).contains("outcome=SUCCEEDED");
        String expired = db.value("select sum(expired) from segdiff.event_days");
        expire(1);
        signal("CONT", stopped);
        Ended first = segdiff().await(stopped);

        assertThat(first.exitCode()).as(first.toString()).isEqualTo(75);
        assertThat(db.value("select sum(expired) from segdiff.event_days")).isEqualTo(expired);
        assertThat(db.value("select outcome from segdiff.runs where run_id = " + firstRun))
                .isEqualTo("INTERRUPTED");
    }

    @Test
    void secondWorkerIsSkippedAndSaysWhoRunsTheJob() throws Exception {
        events();
        expire(0);
        Process first = startAndAwaitItsRun(segdiff().with("SEGDIFF_THROTTLE_QUERY", "select true"), "event-expiry");

        Ended second = segdiffIn("second").run("run", "event-expiry");

        assertThat(second.exitCode()).as(second.toString()).isZero();
        assertThat(second.out())
                .contains("SKIPPED")
                .contains("runs elsewhere: ")
                .contains(":" + first.pid());
        first.destroyForcibly().waitFor();
    }

    @Test
    void sigtermEndsTheRunWithinAStatementAndTheNextOneGoesOn() throws Exception {
        events();
        expire(0);
        Process process = startAndAwaitItsRun(slow(), "event-expiry");
        while (db.rows("select * from segdiff.event_days").isEmpty()) {
            Thread.onSpinWait();
        }
        process.destroy();

        Ended ended = segdiff().await(process);

        assertThat(ended.exitCode()).as(ended.toString()).isEqualTo(75);
        assertThat(db.value("select cursor is not null from segdiff.event_policies where policy = 'audit'"))
                .isEqualTo("t");
        assertThat(segdiff().run("run", "event-expiry").exitCode()).isZero();
        assertThat(db.value("select count(*) from event")).isEqualTo("2000");
    }

    private Segdiff segdiffIn(String name) throws Exception {
        return new Segdiff(Files.createDirectories(directory.resolve(name)))
                .on(db)
                .withPolicy("AUDIT", "public.event", "90d")
                .with("SEGDIFF_EVENTS_AUDIT_MAX_SHARE", "100%");
    }

    private static void signal(String name, Process process) throws Exception {
        new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                .start()
                .waitFor();
    }
}
