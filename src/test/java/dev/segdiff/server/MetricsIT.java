package dev.segdiff.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Await;
import dev.segdiff.support.ReferencePage;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Served;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The metrics, as Prometheus gets them. */
class MetricsIT {
    private static final Path PROMETHEUS = Path.of("/usr/bin/prometheus");
    private static final Path PROMTOOL = Path.of("/usr/bin/promtool");
    private static final Pattern SAMPLE = Pattern.compile("(?m)^(segdiff_\\w+)(?:\\{(.*)})? ");

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private Segdiff segdiff;

    @BeforeEach
    void configure() {
        db.execute(
                "create table event (created_at timestamptz not null)",
                "insert into event select now() - i * interval '1 day' from generate_series(1, 100) i",
                "create index on event (created_at)",
                "create table audience (contact_id bigint)",
                "insert into audience select generate_series(1, 5)",
                "insert into segdiff.segments (customer_id, segment_id, source) values (7, 42, 'audience')");
        segdiff = new Segdiff(directory)
                .on(db)
                .with("SEGDIFF_SCHEDULE_ENABLED", "false")
                .withPolicy("AUDIT", "public.event", "90d");
    }

    private static void present(Path program) {
        if (!Files.exists(program)) {
            System.err.println("NO " + program + ": METRICS ARE NOT TRIED WITH PROMETHEUS");
            Assumptions.abort("no " + program);
        }
    }

    private static String metrics(Served served) {
        return served.get("/q/metrics", "Accept", "text/plain").body();
    }

    @Test
    void ledgerTellsOfRunsOfProcessesThatAreGone() {
        assertThat(segdiff.run("run").exitCode()).isZero();
        db.execute("insert into audience values (6)", "delete from audience where contact_id < 3");
        assertThat(segdiff.run("run", "segment-diff", "--force").exitCode()).isZero();
        try (Served served = Served.start(segdiff, directory)) {
            Await.until("the database is there", () -> metrics(served).contains("segdiff_database_up 1.0"));

            assertThat(metrics(served))
                    .contains("segdiff_runs_total{job_name=\"segment-diff\",outcome=\"SUCCEEDED\",} 2.0")
                    .contains("segdiff_job_work_total{count=\"added\",job_name=\"segment-diff\",} 1.0")
                    .contains("segdiff_job_work_total{count=\"removed\",job_name=\"segment-diff\",} 2.0")
                    .contains("segdiff_job_work_total{count=\"expired\",job_name=\"event-expiry\",} 11.0")
                    .contains("segdiff_segment_diff_segments_due 0.0")
                    .contains("segdiff_event_expiry_inside_retention{policy=\"audit\",} 1.0")
                    .contains("segdiff_job_goal_met{job_name=\"snapshot-cleanup\",} 1.0");
        }
    }

    @Test
    void pageOfMetricsIsUpToDate() throws IOException {
        assertThat(segdiff.run("run").exitCode()).isZero();
        db.execute(
                "update segdiff.runs set waits = '{\"paused\": 3}', ended_at = null, outcome = null",
                "update segdiff.runs set ended_at = now(), outcome = 'SUCCEEDED'",
                "update segdiff.event_days set expired = 1000000",
                "insert into event select now() - interval '100 days' from generate_series(1, 50) i",
                "analyze event");
        try (Served served = Served.start(segdiff, directory)) {
            Await.until("the database is there", () -> metrics(served).contains("segdiff_database_up 1.0"));

            ReferencePage.check("metrics.md", page(metrics(served)));
        }
    }

    /** Sorted by name; one sample tells the labels of all. */
    private static String page(String scraped) {
        StringBuilder page = new StringBuilder("""
                # Metrics

                This page is generated from `/q/metrics`. The numbers come from the ledger and the database, so they hold for
                runs of pods that are long gone, and each replica tells the same. A number that is not known is missing.

                | metric | type | labels | meaning |
                |---|---|---|---|
                """);
        Map<String, String> samples = new TreeMap<>();
        for (Matcher sample = SAMPLE.matcher(scraped); sample.find(); ) {
            samples.putIfAbsent(sample.group(1), labels(Objects.requireNonNullElse(sample.group(2), "")));
        }
        samples.forEach((name, labels) -> page.append("| `%s` | %s | %s | %s |\n"
                .formatted(name, told(scraped, "TYPE", name), labels, told(scraped, "HELP", name))));
        return page.toString();
    }

    private static String labels(String text) {
        return Pattern.compile("(\\w+)=\"")
                .matcher(text)
                .results()
                .map(label -> "`" + label.group(1) + "`")
                .collect(Collectors.joining(", "));
    }

    private static String told(String scraped, String what, String name) {
        Matcher line =
                Pattern.compile("(?m)^# %s %s (.*)$".formatted(what, name)).matcher(scraped);
        assertThat(line.find()).as("%s of %s", what, name).isTrue();
        return ReferencePage.cell(line.group(1));
    }

    @Test
    void promtoolFindsNothing() throws IOException, InterruptedException {
        present(PROMTOOL);
        try (Served served = Served.start(segdiff, directory)) {
            Await.until("the database is there", () -> metrics(served).contains("segdiff_database_up 1.0"));
            Process promtool = new ProcessBuilder(PROMTOOL.toString(), "check", "metrics")
                    .redirectErrorStream(true)
                    .start();
            try (OutputStream in = promtool.getOutputStream()) {
                in.write(metrics(served).getBytes(StandardCharsets.UTF_8));
            }

            assertThat(new String(promtool.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .isEmpty();
            assertThat(promtool.waitFor()).isZero();
        }
    }

    @Test
    void prometheusScrapesThem() throws IOException, InterruptedException {
        present(PROMETHEUS);
        try (Served served = Served.start(segdiff, directory)) {
            int port = Served.freePort();
            Path config = Files.writeString(directory.resolve("prometheus.yml"), """
                    global: {scrape_interval: 1s}
                    scrape_configs:
                      - job_name: segdiff
                        metrics_path: /q/metrics
                        static_configs: [{targets: ["%s"]}]
                    """.formatted(
                            served.url("").replace("http://", "")));
            Process prometheus = new ProcessBuilder(List.of(
                            PROMETHEUS.toString(),
                            "--config.file=" + config,
                            "--storage.tsdb.path=" + directory.resolve("tsdb"),
                            "--web.listen-address=127.0.0.1:" + port))
                    .redirectErrorStream(true)
                    .redirectOutput(directory.resolve("prometheus.log").toFile())
                    .start();
            try {
                Await.until("Prometheus knows the goals", () -> query(
                                port, "segdiff_job_goal_met{job_name=\"event-expiry\"}")
                        .contains("event-expiry"));
                assertThat(query(port, "up{job=\"segdiff\"}")).contains("\"1\"");
                assertThat(query(port, "segdiff_database_up")).contains("\"1\"");
            } finally {
                prometheus.destroyForcibly().waitFor();
            }
        }
    }

    private static String query(int port, String expression) {
        try {
            String encoded = java.net.URLEncoder.encode(expression, StandardCharsets.UTF_8);
            return HttpClient.newHttpClient()
                    .send(
                            HttpRequest.newBuilder(
                                            URI.create("http://127.0.0.1:" + port + "/api/v1/query?query=" + encoded))
                                    .build(),
                            BodyHandlers.ofString())
                    .body();
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
