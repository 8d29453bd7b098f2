package dev.segdiff.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.OwnServer;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.Served;
import dev.segdiff.support.TcpProxy;
import dev.segdiff.support.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random faults of the program, the server and the network, aimed at the middle of random jobs; after each of them
 * nothing may be wrong. {@code ./mvnw -Pcampaign verify} makes a thousand; a seed replays a campaign:
 * {@code -Dsegdiff.test.seed=7}.
 */
@Timeout(value = 8, unit = TimeUnit.HOURS)
class CampaignIT {
    /** Segments that an undo puts back. */
    static final int UNDONE = 40;

    private static final int FAULTS = Integer.getInteger("segdiff.test.faults", 12);
    private static final long SEED = Long.getLong("segdiff.test.seed", 20261125);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private OwnServer server;

    @SuppressWarnings("NullAway.Init")
    private TestDatabase db;

    @SuppressWarnings("NullAway.Init")
    private Workload workload;

    /** The run that is, or was, to be undone. */
    private String undone = "";

    private final Random random = new Random(SEED);
    private final Tally tally = new Tally();

    @BeforeEach
    void startServer() throws Exception {
        server = OwnServer.start(directory.resolve("data"), Map.of());
        db = server.install();
        workload = new Workload(db, directory);
        workload.prepare();
    }

    @AfterEach
    void stopServer() throws Exception {
        db.close();
        server.close();
    }

    @Test
    void nothingIsWrongAfterAnyFault() throws Exception {
        for (int i = 0; i < FAULTS; i++) {
            String what = Victim.ALL.get(i % Victim.ALL.size());
            Fault fault = Fault.any(random);
            try {
                once(what, fault);
            } catch (AssertionError | IllegalStateException e) {
                // The others tell more than the first alone.
                tally.violation("fault %d, %s, %s: %s".formatted(i, what, fault, e));
            }
        }
        settled();
        System.out.println(tally.report(SEED));
        assertThat(tally.violations()).as("violations, seed %d", SEED).isEmpty();
        assertThat(tally.hits()).as("faults that hit an open run").isGreaterThanOrEqualTo(FAULTS / 2);
    }

    private void once(String what, Fault fault) throws Exception {
        workload.round();
        boolean open = strike(what, fault);
        tally.count(what, fault, open);
        Invariants.awaitNoSessions(db);
        if (what.equals("undo")) {
            undoIsFinishedByTheNextOne();
        }
        assertThat(Invariants.violations(db)).isEmpty();
    }

    /** True if the fault hit an open run. */
    private boolean strike(String what, Fault fault) throws Exception {
        try (TcpProxy proxy = new TcpProxy("127.0.0.1", server.port())) {
            TestDatabase way = fault == Fault.NETWORK_CUT ? db.through(proxy.port()) : db;
            String job = what.equals("serve") ? Victim.JOBS.get(random.nextInt(Victim.JOBS.size())) : what;
            Victim victim = start(what, job, workload.segdiff("victim", way));
            boolean open;
            try {
                victim.awaitOpen();
                victim.process.waitFor(random.nextInt(what.equals("undo") ? 40 : 200), TimeUnit.MILLISECONDS);
                open = victim.isOpen();
                befall(victim, fault, job, proxy, open);
            } finally {
                victim.process.destroyForcibly().waitFor();
            }
            assertThat(Files.readString(directory.resolve("victim/stderr")))
                    .as("%s, %s", what, fault)
                    .doesNotContain("\tat ");
            if (way != db) {
                way.close();
            }
            return open;
        }
    }

    private Victim start(String what, String job, Segdiff segdiff) throws Exception {
        if (job.equals("index-maintenance")) {
            workload.bloat();
        }
        return switch (what) {
            case "undo" -> Victim.undo(segdiff, db, runToUndo());
            case "serve" ->
                Victim.serve(
                        Served.start(segdiff, directory.resolve("victim")),
                        db,
                        job,
                        "{\"day\":\"" + workload.day() + "\"}");
            case "segment-diff" -> Victim.run(segdiff, db, workload.segmentDiff());
            default -> Victim.run(segdiff, db, "run", job);
        };
    }

    /** Undisturbed, it has moved a number of segments to the trash. */
    private String runToUndo() throws Exception {
        undisturbed("run", "snapshot-cleanup");
        workload.snapshots(9, UNDONE);
        undisturbed("run", "snapshot-cleanup");
        undone = String.valueOf(Victim.lastRun(db));
        return undone;
    }

    private void undoIsFinishedByTheNextOne() throws Exception {
        undisturbed("undo", undone, "--yes");
        assertThat(db.rows("select * from segdiff.trash where run_id = " + undone))
                .isEmpty();
        assertThat(db.value("select count(*) from segdiff.segments where customer_id = 9"))
                .isEqualTo(String.valueOf(UNDONE));
    }

    private Ended undisturbed(String... arguments) throws Exception {
        Ended ended = workload.segdiff("helper").run(arguments);
        assertThat(ended.exitCode()).as(ended.toString()).isZero();
        return ended;
    }

    private void befall(Victim victim, Fault fault, String job, TcpProxy proxy, boolean open) throws Exception {
        switch (fault) {
            case PROCESS_KILLED -> victim.process.destroyForcibly();
            case SESSIONS_ENDED -> {
                db.execute("""
                        select pg_terminate_backend(pid) from pg_stat_activity
                        where datname = current_database() and application_name = 'segdiff'
                        """);
                victim.process.waitFor(300, TimeUnit.MILLISECONDS);
            }
            case SERVER_STOPPED -> {
                server.stopImmediately();
                server.restart();
                victim.process.waitFor(random.nextInt(2000), TimeUnit.MILLISECONDS);
            }
            case SERVER_KILLED -> {
                server.kill();
                server.restart();
                victim.process.waitFor(random.nextInt(2000), TimeUnit.MILLISECONDS);
            }
            case NETWORK_CUT -> {
                proxy.stall();
                next(job, open);
                if (random.nextBoolean()) {
                    proxy.resume();
                    victim.process.waitFor(3, TimeUnit.SECONDS);
                }
            }
        }
    }

    /** The next run takes over while the one that is cut off still believes that it works. */
    private void next(String job, boolean open) throws Exception {
        if (job.equals("undo")) {
            return;
        }
        long before = Victim.lastRun(db);
        Ended ended = workload.segdiff("helper")
                .run(job.equals("segment-diff") ? workload.segmentDiff() : new String[] {"run", job});
        assertThat(ended.exitCode()).as("the next run of %s: %s", job, ended).isIn(0, 75);
        if (open) {
            assertThat(db.value(
                            "select outcome from segdiff.runs where run_id > %d order by 1 limit 1".formatted(before)))
                    .as("the next run of %s: %s", job, ended)
                    .isNotEqualTo("SKIPPED");
        }
    }

    /** Undisturbed, everything comes to its end. */
    private void settled() throws Exception {
        workload.round();
        undisturbed(workload.segmentDiff());
        for (String job : List.of("snapshot-cleanup", "event-expiry", "index-maintenance")) {
            undisturbed("run", job);
        }
        assertThat(Invariants.violations(db)).isEmpty();
        assertThat(db.value("select count(*) from event")).isEqualTo(String.valueOf(Workload.YOUNG));
        assertThat(db.rows("select indexrelid::regclass from pg_index where not indisvalid"))
                .isEmpty();
        assertThat(db.value("select count(*) from segdiff.segment_states where customer_id = 7 and day = '%s'"
                        .formatted(workload.day())))
                .isEqualTo(String.valueOf(Workload.SEGMENTS));
    }
}
