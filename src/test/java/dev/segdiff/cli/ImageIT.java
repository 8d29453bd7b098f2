package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.segdiff.support.Await;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.Served;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * The container image, run as the manifests run it: another user than root, nothing to write on, no capabilities.
 * {@code -Dsegdiff.test.image=TAG} names the image.
 */
@EnabledIfSystemProperty(named = "segdiff.test.image", matches = ".+")
class ImageIT {
    private static final String IMAGE = System.getProperty("segdiff.test.image", "");
    private static final long MEGABYTE = 1_000_000;

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    private Ended docker(String... arguments) {
        List<String> command = new ArrayList<>(List.of("docker"));
        command.addAll(List.of(arguments));
        Path err = directory.resolve("stderr");
        try {
            Process docker =
                    new ProcessBuilder(command).redirectError(err.toFile()).start();
            String out = new String(docker.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Ended(docker.waitFor(), out, Files.readString(err));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** @param options of {@code docker run} */
    private Ended run(List<String> options, String... arguments) {
        List<String> words = new ArrayList<>(List.of("run", "--network=host", "--read-only", "--cap-drop=ALL"));
        words.addAll(List.of("--security-opt=no-new-privileges", "--user=65532:65532"));
        words.addAll(List.of("--env=SEGDIFF_MIGRATE_AT_START=false", "--env=QUARKUS_DATASOURCE_JDBC_URL=" + db.url()));
        words.add("--env=QUARKUS_DATASOURCE_USERNAME=" + db.worker());
        words.add("--env=QUARKUS_DATASOURCE_PASSWORD=" + db.workerPassword());
        words.addAll(List.of("--env=SEGDIFF_EVENTS_AUDIT_TABLE=public.event"));
        words.addAll(List.of("--env=SEGDIFF_EVENTS_AUDIT_TIME_COLUMN=created_at"));
        words.addAll(List.of("--env=SEGDIFF_EVENTS_AUDIT_RETENTION=90d"));
        words.addAll(options);
        words.add(IMAGE);
        words.addAll(List.of(arguments));
        return docker(words.toArray(String[]::new));
    }

    private Ended command(String... arguments) {
        Ended ended = run(List.of("--rm"), arguments);
        assertThat(ended.exitCode()).as(ended.toString()).isZero();
        return ended;
    }

    @Test
    void eachJobRuns() {
        db.execute(
                "create table audience (contact_id bigint)",
                "insert into audience select generate_series(1, 10)",
                "create table event (created_at timestamptz not null)",
                "insert into event select now() - i * interval '1 day' from generate_series(1, 100) i",
                "create index on event (created_at)");

        command("segments", "add", "7", "42", "--source", "audience");
        JsonNode published = command("run", "segment-diff", "--json").json().get(0);
        JsonNode expired = command("run", "event-expiry", "--json").json().get(0);
        db.execute("update segdiff.segments set last_used_at = now() - interval '35 days'");
        JsonNode cleaned = command("run", "snapshot-cleanup", "--json").json().get(0);

        assertThat(published.at("/counts/published").asInt()).isEqualTo(1);
        assertThat(expired.at("/counts/expired").asInt()).isBetween(10, 12);
        assertThat(cleaned.at("/counts/trashed").asInt()).isEqualTo(1);
    }

    @Test
    void serveAnswersAndDockerStopEndsItWell() throws Exception {
        int port = Served.freePort();
        String container = "segdiff_" + db.name();
        Ended started = run(List.of("--detach", "--name=" + container, "--env=QUARKUS_HTTP_PORT=" + port), "serve");
        assertThat(started.exitCode()).as(started.toString()).isZero();
        try {
            Await.until("it is ready", () -> status(port, "/q/health/ready") == 200);
            assertThat(status(port, "/q/metrics")).isEqualTo(200);

            docker("stop", "--time=10", container);

            assertThat(docker("inspect", "--format={{.State.ExitCode}}", container)
                            .out()
                            .strip())
                    .as(docker("logs", container).toString())
                    .isEqualTo("0");
        } finally {
            docker("rm", "--force", container);
        }
    }

    private static int status(int port, String path) {
        try {
            URL url = new URL("http://127.0.0.1:" + port + path);
            return ((HttpURLConnection) url.openConnection()).getResponseCode();
        } catch (IOException e) {
            return -1;
        }
    }

    @Test
    void exitCodeIsThatOfTheCommand() {
        assertThat(run(List.of("--rm"), "run", "no-such-job").exitCode()).isEqualTo(2);
        assertThat(command("--version").out()).contains("segdiff");
    }

    @Test
    void imageIsSmallAndHoldsNoShellAndNoRoot() {
        JsonNode image = docker("image", "inspect", IMAGE).json().get(0);

        assertThat(image.get("Size").asLong()).isLessThan(100 * MEGABYTE);
        assertThat(image.at("/Config/User").asText()).isEqualTo("65532:65532");
        assertThat(image.at("/Config/Labels").fieldNames())
                .toIterable()
                .contains("org.opencontainers.image.title", "org.opencontainers.image.licenses");
        assertThat(run(List.of("--rm", "--entrypoint=/bin/sh"), "-c", "true").exitCode())
                .isEqualTo(127);
    }
}
