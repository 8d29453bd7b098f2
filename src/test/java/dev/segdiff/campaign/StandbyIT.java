package dev.segdiff.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.segdiff.support.Await;
import dev.segdiff.support.OwnServer;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The primary is killed in the middle of a run, and its standby takes over. A synchronous one has all that was told to
 * anybody; one that is not has lost the last moments, of segdiff's tables and of the application's alike. Nothing is
 * wrong on either, and the next run settles there.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class StandbyIT {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private OwnServer primary;

    @SuppressWarnings("NullAway.Init")
    private OwnServer standby;

    @SuppressWarnings("NullAway.Init")
    private TestDatabase db;

    @SuppressWarnings("NullAway.Init")
    private Workload workload;

    @BeforeEach
    void startBoth() throws Exception {
        primary = OwnServer.start(directory.resolve("primary"), Map.of());
        db = primary.install();
        workload = new Workload(db, directory);
        workload.prepare();
        primary.stop();
        // With owners and permissions, about which PostgreSQL is particular.
        new ProcessBuilder(
                        "cp",
                        "-a",
                        directory.resolve("primary").toString(),
                        directory.resolve("standby").toString())
                .inheritIO()
                .start()
                .waitFor();
        primary.restart();
        Files.createFile(directory.resolve("standby/standby.signal"));
        Files.writeString(
                directory.resolve("standby/postgresql.auto.conf"),
                "primary_conninfo = 'host=127.0.0.1 port=%d user=postgres'".formatted(primary.port()));
        standby = OwnServer.start(directory.resolve("standby"), Map.of());
    }

    @AfterEach
    void stopBoth() throws Exception {
        db.close();
        standby.close();
        primary.close();
    }

    @ParameterizedTest
    @CsvSource({
        "segment-diff, sync",
        "segment-diff, async",
        "event-expiry, sync",
        "event-expiry, async",
        "snapshot-cleanup, sync"
    })
    void runSettlesOnTheStandbyThatHasTakenOver(String job, String replication) throws Exception {
        db.execute(
                "alter system set synchronous_standby_names = '%s'".formatted(replication.equals("sync") ? "*" : ""),
                "select pg_reload_conf()");
        Await.until("the standby follows, " + replication, () -> db.rows("select sync_state from pg_stat_replication")
                .contains(replication));
        workload.round();
        Ended before = workload.segdiff("before").run(workload.arguments(job));
        assertThat(before.exitCode()).as(before.toString()).isZero();
        String runTold = String.valueOf(Victim.lastRun(db));

        Victim victim = inTheMiddle(job);
        primary.kill();
        TestDatabase promoted = db.through(standby.port());
        try {
            assertThat(promoted.value("select pg_promote()")).isEqualTo("t");
            // It follows, or ends; in any case without a stack trace.
            assertThat(victim.process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(victim.process.exitValue()).isIn(0, 1, 75);
            assertThat(Files.readString(directory.resolve("victim/stderr"))).doesNotContain("\tat ");
            assertThat(Invariants.violations(promoted)).isEmpty();
            if (replication.equals("sync")) {
                assertThat(promoted.rows("select outcome from segdiff.runs where run_id = " + runTold))
                        .as("what was told of a run")
                        .containsExactly("SUCCEEDED");
            }

            Ended next = followingThePrimary("next").run(workload.arguments(job));

            assertThat(next.exitCode()).as(next.toString()).isZero();
            assertThat(Invariants.violations(promoted)).isEmpty();
            if (job.equals("segment-diff")) {
                assertThat(promoted.value("select min(day) from segdiff.segment_states where customer_id = 7"))
                        .isEqualTo(workload.day().toString());
            } else if (job.equals("event-expiry")) {
                assertThat(promoted.value("select count(*) from event")).isEqualTo(String.valueOf(Workload.YOUNG));
            } else {
                assertThat(promoted.rows("select from segdiff.segments where customer_id = 8"))
                        .isEmpty();
            }
        } finally {
            promoted.close();
        }
    }

    /** A run in its middle. A run that ended before its middle was chosen is followed by the next one. */
    private Victim inTheMiddle(String job) throws Exception {
        for (int attempt = 1; attempt <= 10; attempt++) {
            workload.round();
            Victim victim = Victim.run(followingThePrimary("victim"), db, workload.arguments(job));
            victim.awaitOpen();
            victim.process.waitFor(new Random().nextInt(150), TimeUnit.MILLISECONDS);
            if (victim.isOpen()) {
                return victim;
            }
            victim.process.waitFor();
        }
        return fail("ten runs of " + job + " ended before their middle");
    }

    /** Both servers are named, and the driver looks for the one that writes. */
    private Segdiff followingThePrimary(String name) throws Exception {
        return workload.segdiff(name)
                .with(
                        "QUARKUS_DATASOURCE_JDBC_URL",
                        "jdbc:postgresql://127.0.0.1:%d,127.0.0.1:%d/%s?targetServerType=primary"
                                .formatted(primary.port(), standby.port(), db.name()));
    }
}
