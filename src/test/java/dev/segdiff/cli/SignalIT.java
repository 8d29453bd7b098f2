package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Await;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Served;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One signal ends every command, at whatever moment of its start it comes. */
class SignalIT {
    /** Of a process that is ended by SIGTERM, or says so. */
    private static final int TERMINATED = 143;

    private static final int INTERRUPTED = 75;

    /** The start of the executable takes a tenth of that of the jar. */
    private static final int STEP_MILLIS = Segdiff.isNative() ? 10 : 200;

    private static final int STEPS = Segdiff.isNative() ? 30 : 12;
    private static final int PATIENCE_SECONDS = 12;

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private Segdiff segdiff;

    @BeforeEach
    void configure() {
        segdiff = new Segdiff(directory).on(db).with("QUARKUS_HTTP_PORT", String.valueOf(Served.freePort()));
    }

    /** The exit codes after a SIGTERM at each moment of the start. */
    private List<Integer> exitCodesThroughTheStart(String... command) {
        return IntStream.range(0, STEPS)
                .map(step -> exitCode(step * STEP_MILLIS, command))
                .boxed()
                .toList();
    }

    private int exitCode(int afterMillis, String... command) {
        try {
            Process process = segdiff.start(command);
            process.waitFor(afterMillis, TimeUnit.MILLISECONDS);
            process.destroy();
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("SIGTERM after " + afterMillis + " ms was lost: " + String.join(" ", command)
                        + "\n" + Files.readString(directory.resolve("stderr")));
            }
            return process.exitValue();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void serveEndsByOneSignalAtEachMomentOfItsStart() {
        assertThat(exitCodesThroughTheStart("serve")).isSubsetOf(TERMINATED, 0);
    }

    @Test
    void runEndsByOneSignalAtEachMomentOfItsStart() {
        db.execute(
                "create view slow as select 1 as contact_id from pg_sleep(600)",
                "grant select on slow to segdiff_worker",
                "insert into segdiff.segments (customer_id, segment_id, source) values (7, 1, 'public.slow')");

        assertThat(exitCodesThroughTheStart("run", "segment-diff")).isSubsetOf(TERMINATED, INTERRUPTED);
        assertThat(db.value("select count(*) from segdiff.runs where outcome is null"))
                .isEqualTo("0");
    }

    @Test
    void loadThatWaitsForInputEndsByOneSignalAtEachMomentOfItsStart() {
        db.execute("insert into segdiff.segments (customer_id, segment_id) values (7, 2)");

        assertThat(exitCodesThroughTheStart("segments", "load", "7", "2")).isSubsetOf(TERMINATED, INTERRUPTED);
    }

    @Test
    void commandThatWaitsForTheDatabaseEndsByOneSignal() throws IOException, InterruptedException {
        try (var lock = db.connect()) {
            lock.setAutoCommit(false);
            lock.createStatement().execute("lock table segdiff.runs in access exclusive mode");
            Process process = segdiff.with("SEGDIFF_LOCK_TIMEOUT", "60s")
                    .with("SEGDIFF_STATEMENT_TIMEOUT", "60s")
                    .start("status");
            Await.until("it waits", () -> !db.rows(
                            "select 1 from pg_stat_activity where application_name = 'segdiff' and wait_event_type = 'Lock'")
                    .isEmpty());

            process.destroy();

            assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(TERMINATED);
            assertThat(Files.readString(directory.resolve("stderr"))).contains("interrupted: SIGTERM");
        } catch (java.sql.SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TERM", "INT", "HUP"})
    void servedProcessEndsInOrderByEachSignal(String signal) throws IOException, InterruptedException {
        Assumptions.assumeFalse(isIgnored(signal), "nohup, or the shell, has these tests ignore SIG" + signal);
        try (Served served = Served.start(segdiff, directory)) {
            Process kill = new ProcessBuilder(
                            "kill",
                            "-" + signal,
                            String.valueOf(served.process().pid()))
                    .redirectErrorStream(true)
                    .start();
            try (InputStream words = kill.getInputStream()) {
                assertThat(new String(words.readAllBytes(), StandardCharsets.UTF_8))
                        .isEmpty();
            }

            assertThat(served.process().waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .isTrue();
            assertThat(served.process().exitValue()).isZero();
        }
    }

    /** A process inherits which signals are ignored, and Java leaves those alone. */
    private static boolean isIgnored(String signal) throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return false;
        }
        long ignored = Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .mapToLong(line -> Long.parseUnsignedLong(line.substring(7).strip(), 16))
                .findFirst()
                .orElse(0);
        int number = new sun.misc.Signal(signal).getNumber();
        return (ignored >> (number - 1) & 1) == 1;
    }
}
