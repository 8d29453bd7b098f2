package dev.segdiff.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.OwnServer;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A database on a small disk of its own that is full when a run begins: a tmpfs, which only root can mount. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class FullDiskIT {
    private static final String SIZE = "256m";

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private Path disk;

    @SuppressWarnings("NullAway.Init")
    private OwnServer server;

    @SuppressWarnings("NullAway.Init")
    private TestDatabase db;

    @SuppressWarnings("NullAway.Init")
    private Workload workload;

    @BeforeEach
    void startOnASmallDisk() throws Exception {
        disk = Files.createDirectory(directory.resolve("disk"));
        if (!succeeds("mount", "-t", "tmpfs", "-o", "size=" + SIZE, "none", disk.toString())) {
            System.err.println(
                    "NO SMALL DISK CAN BE MOUNTED HERE (mount -t tmpfs, AS ROOT): THE FULL DISK IS NOT TESTED");
            Assumptions.abort("mount -t tmpfs is not allowed here");
        }
        server = OwnServer.start(directory.resolve("data"), Map.of());
        db = server.install();
        // The WAL stays elsewhere: PostgreSQL crashes when that is full, as in the campaign.
        Path tablespace = Files.createDirectory(disk.resolve("tablespace"));
        TestDatabase admin = TestDatabase.existing(db.url().replace(db.name(), "postgres"));
        admin.execute(
                "create tablespace small location '%s'".formatted(tablespace),
                "alter database %s set tablespace small".formatted(db.name()));
        admin.close();
        workload = new Workload(db, directory);
        workload.prepare();
        workload.round();
    }

    @AfterEach
    void stop() throws Exception {
        if (db != null) {
            db.close();
            server.close();
        }
        succeeds("umount", disk.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"segment-diff", "event-expiry", "snapshot-cleanup"})
    void runOnAFullDiskSaysWhatToDoLosesNothingAndTheNextOneSettles(String job) throws Exception {
        assertThat(workload.segdiff("before").run(workload.arguments(job)).exitCode())
                .isZero();
        workload.round();
        fill();
        int failed = 0;
        // What a run frees, the next one may use; sooner or later there is nothing left.
        for (int i = 0; i < 3; i++) {
            Ended ended = workload.segdiff("full").run(workload.arguments(job));
            assertThat(ended.exitCode()).isIn(0, 1, 3, 75);
            assertThat(ended.err()).doesNotContain("\tat ");
            if (ended.exitCode() != 0) {
                failed++;
                assertThat(ended.out() + ended.err()).contains("No space left on device", "make space there");
            }
        }
        assertThat(failed).as("runs that failed").isPositive();

        Files.delete(disk.resolve("ballast"));
        assertThat(Invariants.violations(db)).isEmpty();
        Ended next = workload.segdiff("next").run(workload.arguments(job));

        assertThat(next.exitCode()).as(next.toString()).isZero();
        assertThat(Invariants.violations(db)).isEmpty();
        switch (job) {
            case "segment-diff" ->
                assertThat(db.value("select count(*) from segdiff.segment_states where customer_id = 7 and day = '%s'"
                                .formatted(workload.day())))
                        .isEqualTo(String.valueOf(Workload.SEGMENTS));
            case "event-expiry" ->
                assertThat(db.value("select count(*) from event")).isEqualTo(String.valueOf(Workload.YOUNG));
            default ->
                assertThat(db.rows("select from segdiff.segments where customer_id = 8"))
                        .isEmpty();
        }
    }

    /** Until not a byte is free. */
    private void fill() throws IOException {
        byte[] block = new byte[1024];
        try (OutputStream ballast = Files.newOutputStream(disk.resolve("ballast"))) {
            while (true) {
                ballast.write(block);
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("No space left on device");
        }
    }

    private static boolean succeeds(String... command) throws IOException, InterruptedException {
        try {
            return new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            // There is no such program.
            return false;
        }
    }
}
