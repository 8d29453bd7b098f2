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
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** All doors answer in time while the database is away, and know as soon as readiness that it is back. */
class AwayDatabaseIT {
    private static final List<String> DOORS =
            List.of("/q/health/ready", "/q/health/group/goals", "/q/metrics", "/api/status", "/");

    /** Two seconds are promised; the rest is for a machine that is busy with tests. */
    private static final Duration IN_TIME = Duration.ofMillis(2800);

    private static final int ROUNDS = 3;

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    private Served serve(String url, String user) {
        return Served.start(
                new Segdiff(directory)
                        .on(db)
                        .with("QUARKUS_DATASOURCE_JDBC_URL", url)
                        .with("QUARKUS_DATASOURCE_USERNAME", user)
                        .servingOnly(),
                directory);
    }

    private static void assertAnswersInTime(Served served) {
        for (int round = 0; round < ROUNDS; round++) {
            for (String door : DOORS) {
                long start = System.nanoTime();
                served.get(door);
                Duration took = Duration.ofNanos(System.nanoTime() - start);
                System.out.printf("%s: %d ms%n", door, took.toMillis());
                assertThat(took).as(door).isLessThan(IN_TIME);
            }
        }
    }

    private static void assertStatusIsToldAsSoonAsItIsReady(Served served) {
        Await.until("it is ready again", () -> served.status("/q/health/ready") == 200);
        assertThat(served.get("/api/status").statusCode()).isEqualTo(200);
        Await.until("all is known", () -> !served.get("/api/status").body().contains("unknown: "));
    }

    @Test
    void databaseThatIsStoppedHoldsNoDoor() throws IOException {
        Path data = Files.createDirectories(directory.resolve("pg"));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        int port = Served.freePort();
        EmbeddedPostgres server = postgres(data, port);
        try (Served served = serve("jdbc:postgresql://127.0.0.1:" + port + "/postgres", "postgres")) {
            Await.until("it is ready", () -> served.status("/q/health/ready") == 200);
            assertThat(served.get("/api/status").statusCode()).isEqualTo(200);
            for (int restart = 0; restart < 2; restart++) {
                server.close();
                Await.until("it is not ready", () -> served.status("/q/health/ready") == 503);

                assertAnswersInTime(served);
                assertThat(served.get("/api/status").statusCode()).isEqualTo(503);

                server = postgres(data, port);
                assertStatusIsToldAsSoonAsItIsReady(served);
            }
        } finally {
            server.close();
        }
    }

    @Test
    void databaseThatDoesNotAnswerHoldsNoDoor() throws IOException {
        URI uri = URI.create(db.url().replace("jdbc:", ""));
        try (TcpProxy proxy = new TcpProxy(uri.getHost(), uri.getPort());
                Served served = serve(db.url().replace(":" + uri.getPort(), ":" + proxy.port()), db.worker())) {
            Await.until("it is ready", () -> served.status("/q/health/ready") == 200);
            proxy.stall();
            Await.until("it is not ready", () -> served.status("/q/health/ready") == 503);

            assertAnswersInTime(served);

            proxy.resume();
            assertStatusIsToldAsSoonAsItIsReady(served);
        }
    }

    private static EmbeddedPostgres postgres(Path data, int port) throws IOException {
        return EmbeddedPostgres.builder()
                .setPort(port)
                .setLocaleConfig("locale", "C")
                .setDataDirectory(data)
                .setCleanDataDirectory(false)
                .start();
    }
}
