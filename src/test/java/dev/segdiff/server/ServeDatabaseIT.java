package dev.segdiff.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Await;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Served;
import dev.segdiff.support.TcpProxy;
import dev.segdiff.support.TestDatabase;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** {@code serve} while its database is slow, or away. */
class ServeDatabaseIT {
    private static final int PARALLEL = 200;

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    private Segdiff segdiff(String replica, String url) throws IOException {
        return new Segdiff(Files.createDirectories(directory.resolve(replica)))
                .on(db)
                .with("QUARKUS_DATASOURCE_JDBC_URL", url);
    }

    private Served serve(String replica, Segdiff segdiff) {
        return Served.start(segdiff, directory.resolve(replica));
    }

    private record Probe(int status, Duration took) {}

    private static List<Probe> probes(Served served, String path) throws InterruptedException, ExecutionException {
        ExecutorService threads = Executors.newFixedThreadPool(PARALLEL);
        try {
            List<Future<Probe>> asked = new ArrayList<>();
            for (int i = 0; i < PARALLEL; i++) {
                asked.add(threads.submit(() -> {
                    long start = System.nanoTime();
                    int status = served.status(path);
                    return new Probe(status, Duration.ofNanos(System.nanoTime() - start));
                }));
            }
            List<Probe> probes = new ArrayList<>();
            for (Future<Probe> probe : asked) {
                probes.add(probe.get());
            }
            return probes;
        } finally {
            threads.shutdownNow();
        }
    }

    private long sessions() {
        return Long.parseLong(db.value("select count(*) from pg_stat_activity where application_name = 'segdiff'"));
    }

    @Test
    void probesOfASlowDatabaseAreAnsweredInTimeAndDoNotLoadIt()
            throws IOException, InterruptedException, ExecutionException {
        URI uri = URI.create(db.url().replace("jdbc:", ""));
        try (TcpProxy proxy = new TcpProxy(uri.getHost(), uri.getPort());
                Served served = serve(
                        "one",
                        segdiff("one", db.url().replace(":" + uri.getPort(), ":" + proxy.port()))
                                .with("SEGDIFF_SCHEDULE_ENABLED", "false"))) {
            Await.until("it is ready", () -> served.status("/q/health/ready") == 200);
            assertThat(probes(served, "/q/health/ready"))
                    .extracting(Probe::status)
                    .containsOnly(200);
            assertThat(sessions()).isLessThanOrEqualTo(3);

            proxy.stall();
            Await.until("it is not ready", () -> served.status("/q/health/ready") == 503);

            for (String path : List.of("/q/health/ready", "/q/health/group/goals")) {
                assertThat(probes(served, path)).allSatisfy(probe -> {
                    assertThat(probe.status()).isEqualTo(503);
                    assertThat(probe.took()).isLessThan(Duration.ofSeconds(10));
                });
            }
            assertThat(probes(served, "/q/health/live"))
                    .extracting(Probe::status)
                    .containsOnly(200);
            assertThat(served.get("/").statusCode()).isEqualTo(200);
            assertThat(served.get("/q/metrics", "Accept", "text/plain").body()).contains("segdiff_database_up 0.0");

            proxy.resume();
            Await.until("it is ready again", () -> served.status("/q/health/ready") == 200);
            assertThat(sessions()).isLessThanOrEqualTo(12);
        }
    }

    @Test
    void startsWithoutItsDatabaseAndIsReadyWhenItComes() throws IOException, SQLException {
        Path data = Files.createDirectories(directory.resolve("pg"));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        int port = Served.freePort();
        try (Served served = serve("one", segdiff("one", url(port)).with("QUARKUS_DATASOURCE_USERNAME", "postgres"))) {
            assertThat(served.status("/q/health/live")).isEqualTo(200);
            assertThat(served.status("/q/health/ready")).isEqualTo(503);
            assertThat(served.get("/q/health/ready").body()).contains("the database cannot be reached");
            assertThat(served.get("/api/runs").statusCode()).isEqualTo(503);
            assertThat(served.get("/").body()).contains("role=\"alert\">the database");

            try (EmbeddedPostgres server = postgres(data, port)) {
                Await.until("it is ready", () -> served.status("/q/health/ready") == 200);
                assertThat(served.get("/api/runs").statusCode()).isEqualTo(200);
                assertThat(server.getPort()).isEqualTo(port);
            }
        }
    }

    @Test
    void standbyIsNotReadyUntilItIsPromoted() throws IOException, SQLException {
        Path data = Files.createDirectories(directory.resolve("pg"));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        int port = Served.freePort();
        postgres(data, port).close();
        Files.createFile(data.resolve("standby.signal"));
        try (EmbeddedPostgres standby = postgres(data, port);
                Served served =
                        serve("one", segdiff("one", url(port)).with("QUARKUS_DATASOURCE_USERNAME", "postgres"))) {
            Await.until("it knows", () -> served.get("/q/health/ready").body().contains("the server is a standby"));
            assertThat(served.status("/q/health/ready")).isEqualTo(503);

            TestDatabase.existing(url(standby.getPort())).rows("select pg_promote()");

            Await.until("it is ready", () -> served.status("/q/health/ready") == 200);
        }
    }

    /** Two replicas, a schedule that comes every minute, and a database that is away when it comes. */
    @Test
    @Timeout(360)
    void databaseThatIsRestartedLosesAndDoublesNoScheduledRun() throws IOException, SQLException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path data = Files.createDirectories(directory.resolve("pg"));
        int port = Served.freePort();
        EmbeddedPostgres server = postgres(data, port);
        try (Served one = serve("one", everyMinute("one", port));
                Served two = serve("two", everyMinute("two", port))) {
            TestDatabase runs = TestDatabase.existing(url(port));
            Await.until(
                    "both are ready",
                    () -> one.status("/q/health/ready") == 200 && two.status("/q/health/ready") == 200);
            Await.untilWithin(Duration.ofSeconds(100), "the first moment has come", () -> !moments(runs)
                    .isEmpty());

            server.close();
            Await.until(
                    "both are not ready",
                    () -> one.status("/q/health/ready") == 503 && two.status("/q/health/ready") == 503);
            assertThat(one.status("/q/health/live")).isEqualTo(200);
            Instant next = Instant.now().truncatedTo(ChronoUnit.MINUTES).plusSeconds(62);
            Await.untilWithin(Duration.ofSeconds(100), "the next moment has passed", () -> Instant.now()
                    .isAfter(next));
            server = postgres(data, port);

            Await.until(
                    "both are ready again",
                    () -> one.status("/q/health/ready") == 200 && two.status("/q/health/ready") == 200);
            Await.untilWithin(
                    Duration.ofSeconds(100),
                    "what was missed is made up for",
                    () -> moments(runs).size() >= 2);
            List<String> moments = moments(runs);
            assertThat(moments).doesNotHaveDuplicates();
            assertThat(runs.value("""
                    select count(*) from (
                        select planned_at - lag(planned_at) over (order by planned_at) as step from segdiff.runs where job = 'event-expiry') s
                    where step <> interval '1 minute'
                    """)).as(moments.toString()).isEqualTo("0");
            runs.close();
        } finally {
            server.close();
        }
    }

    private Segdiff everyMinute(String replica, int port) throws IOException {
        return segdiff(replica, url(port))
                .with("QUARKUS_DATASOURCE_USERNAME", "postgres")
                .with("SEGDIFF_SCHEDULE_CRON_SEGMENT_DIFF", "off")
                .with("SEGDIFF_SCHEDULE_CRON_SNAPSHOT_CLEANUP", "off")
                .with("SEGDIFF_SCHEDULE_CRON_EVENT_EXPIRY", "* * * * *");
    }

    private static List<String> moments(TestDatabase runs) {
        return runs.rows("select planned_at from segdiff.runs where job = 'event-expiry' order by planned_at");
    }

    private static EmbeddedPostgres postgres(Path data, int port) throws IOException {
        return EmbeddedPostgres.builder()
                .setPort(port)
                .setLocaleConfig("locale", "C")
                .setDataDirectory(data)
                .setCleanDataDirectory(false)
                .start();
    }

    private static String url(int port) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/postgres";
    }
}
