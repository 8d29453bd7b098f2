package dev.segdiff.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Await;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Served;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What {@code serve} keeps of what it has done: nothing. */
class ServeMemoryIT {
    private static final int THREADS = 8;

    /** Code that was compiled, pools that were filled, and what a garbage collection of another moment leaves. */
    private static final long TOLERANCE_KB = 16 * 1024;

    private static final List<String> PROBES =
            List.of("/q/health/live", "/q/health/ready", "/q/health/group/goals", "/q/metrics", "/q/health/started");

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @Test
    @Timeout(600)
    void memoryAtRestIsTheSameAfterManyRunsAndProbes() throws IOException, InterruptedException, ExecutionException {
        Segdiff segdiff = new Segdiff(directory)
                .on(db)
                .with("SEGDIFF_SCHEDULE_ENABLED", "false")
                .with("SEGDIFF_API_REQUESTS_PER_SECOND", "1000000");
        try (Served served = Served.start(segdiff, directory)) {
            Await.until("it is ready", () -> served.status("/q/health/ready") == 200);
            load(served, 100, 10_000);
            long before = atRest(served);

            load(served, 900, 90_000);
            long after = atRest(served);

            System.out.printf("memory at rest: %,d kB after 100 runs, %,d kB after 1,000%n", before, after);
            assertThat(after).isLessThan(before + TOLERANCE_KB);
            assertThat(db.rows("select outcome, count(*) from segdiff.runs group by outcome order by outcome"))
                    .as("the first run makes partitions of the audit log")
                    .containsExactly("SKIPPED|999", "SUCCEEDED|1");
        }
    }

    private static void load(Served served, int runs, int probes) throws InterruptedException, ExecutionException {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        List<Future<?>> work = new ArrayList<>();
        work.add(threads.submit(() -> {
            for (int i = 0; i < runs; i++) {
                Await.until(
                        "it is taken",
                        () -> served.send("POST", "/api/jobs/event-expiry/runs", "")
                                        .statusCode()
                                == 202);
            }
        }));
        for (int thread = 1; thread < THREADS; thread++) {
            work.add(threads.submit(() -> {
                for (int i = 0; i < probes / (THREADS - 1); i++) {
                    probe(served, PROBES.get(i % PROBES.size()));
                }
            }));
        }
        for (Future<?> part : work) {
            part.get();
        }
        threads.shutdown();
        Await.until(
                "the last run has ended",
                () -> served.get("/api/runs?limit=1").body().contains("SKIPPED"));
    }

    /** Java's client loses an answer in a hundred thousand (wrk none in half a million); it is told, and asked again. */
    private static void probe(Served served, String path) {
        int status;
        try {
            status = served.get(path).statusCode();
        } catch (UncheckedIOException e) {
            System.out.println(path + ": " + e.getCause());
            status = served.get(path).statusCode();
        }
        assertThat(status).isIn(200, 503);
    }

    /** On a JVM what is alive in its heap; of an executable what it has of the machine. */
    private static long atRest(Served served) throws IOException, InterruptedException {
        long pid = served.process().pid();
        if (Segdiff.isNative()) {
            return number("VmRSS:\\s+(\\d+) kB", Files.readString(Path.of("/proc/" + pid + "/status")));
        }
        jcmd(pid, "GC.run");
        return number("used (\\d+)K", jcmd(pid, "GC.heap_info"))
                + number("tenured generation +total \\d+K, used (\\d+)K", jcmd(pid, "GC.heap_info"));
    }

    private static String jcmd(long pid, String command) throws IOException, InterruptedException {
        Process jcmd = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                        String.valueOf(pid),
                        command)
                .redirectErrorStream(true)
                .start();
        String answer = new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(jcmd.waitFor()).as(answer).isZero();
        return answer;
    }

    private static long number(String pattern, String text) {
        Matcher number = Pattern.compile(pattern).matcher(text);
        assertThat(number.find()).as(text).isTrue();
        return Long.parseLong(number.group(1));
    }
}
