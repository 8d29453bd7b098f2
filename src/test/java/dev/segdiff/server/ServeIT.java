package dev.segdiff.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.segdiff.support.Await;
import dev.segdiff.support.Served;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code serve} as a process: its descriptions, its logs, its health and its end. */
class ServeIT extends ServeFixture {
    @ParameterizedTest
    @CsvSource({"segment-diff", "snapshot-cleanup", "event-expiry"})
    void sigtermInTheMiddleOfAJobClosesItsRowAndEndsInTime(String job) throws IOException {
        eventsThatTakeLong();
        db.execute(
                "create view slow as select pg_sleep(60)::text::int8 as contact_id",
                "insert into segdiff.segments (customer_id, segment_id, source, last_used_at) values (7, 42, 'slow', now() - interval '40 days')");
        if (job.equals("snapshot-cleanup")) {
            segdiff.with("SEGDIFF_THROTTLE_QUERY", "select true");
        }
        try (Served served = serveWithTokens()) {
            started(served.send("POST", "/api/jobs/" + job + "/runs", "", AS_ADMIN));
            Await.until("it is under way", () -> isUnderWay(job));
            long start = System.nanoTime();

            int exitCode = served.terminate();

            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
            assertThat(exitCode).as(served.log()).isZero();
            assertThat(db.rows("select outcome, reason from segdiff.runs")).containsExactly("INTERRUPTED|SIGTERM");
        }
    }

    private boolean isUnderWay(String job) {
        return switch (job) {
            case "segment-diff" ->
                db.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'")
                        .equals("1");
            case "event-expiry" -> !db.value("select count(*) from event").equals("20000");
            default -> db.value("select count(*) from segdiff.leases").equals("1");
        };
    }

    @Test
    void readinessFailsWhileARunEnds() throws IOException {
        db.execute(
                "create view slow as select pg_sleep(60)::text::int8 as contact_id",
                "insert into segdiff.segments (customer_id, segment_id, source) values (7, 42, 'slow')");
        try (Served served = serveWithTokens()) {
            started(served.send("POST", "/api/jobs/segment-diff/runs", "", AS_ADMIN));
            Await.until("it is under way", () -> isUnderWay("segment-diff"));
            assertThat(served.status("/q/health/ready")).isEqualTo(200);

            served.process().destroy();

            Await.until("it is not ready", () -> served.status("/q/health/ready") == 503);
            assertThat(served.status("/q/health/live")).isEqualTo(200);
            assertThat(served.send("POST", "/api/jobs/event-expiry/runs", "", AS_ADMIN)
                            .statusCode())
                    .isEqualTo(503);
        }
    }

    @Test
    void goalsAreToldWhoeverMadeTheRuns() throws IOException {
        db.execute("create table audience (contact_id bigint)", "insert into audience values (1)");
        segdiff.with("SEGDIFF_HEALTH_MAX_AGE_EVENT_EXPIRY", "1h");
        try (Served served = serveWithTokens()) {
            HttpResponse<String> before = served.get("/q/health/group/goals");
            assertThat(before.statusCode()).isEqualTo(503);
            assertThat(before.body()).contains("\"last_success\": \"never\"");

            assertThat(command("segments", "add", "7", "42", "--source", "audience")
                            .exitCode())
                    .isZero();
            assertThat(command("run").exitCode()).isZero();

            Await.until("all goals are met", () -> served.status("/q/health/group/goals") == 200);
            JsonNode goals = Served.json(served.get("/q/health/group/goals")).get("checks");
            assertThat(goals.findValuesAsText("name"))
                    .containsExactlyInAnyOrder("segment-diff", "snapshot-cleanup", "event-expiry", "index-maintenance");

            db.execute("update segdiff.runs set ended_at = ended_at - interval '2 hours' where job = 'event-expiry'");
            Await.until("one is stale", () -> served.status("/q/health/group/goals") == 503);
            for (JsonNode goal :
                    Served.json(served.get("/q/health/group/goals")).get("checks")) {
                assertThat(goal.get("status").asText())
                        .isEqualTo(goal.get("name").asText().equals("event-expiry") ? "DOWN" : "UP");
            }
            assertThat(served.status("/q/health/ready")).isEqualTo(200);
        }
    }

    @Test
    void apiIsDescribedAsItIs() throws IOException {
        try (Served served = serveWithTokens()) {
            String description = served.get("/q/openapi").body();

            assertThat(description)
                    .contains("/api/jobs/{job}/runs", "/api/runs/{run}", "/api/status", "dry_run", "run_id", "bearer")
                    .doesNotContain("dryRun", "/login");
        }
    }

    @Test
    void logsAreJsonOnDemandALineEach() throws IOException {
        try (Served served = serve("--log-json")) {
            String run = started(served.send("POST", "/api/jobs/event-expiry/runs", ""))
                    .get("location")
                    .asText();
            awaitEnd(served, run);
            served.terminate();
            for (String line : served.log().lines().toList()) {
                assertThat(new ObjectMapper().readTree(line).get("message"))
                        .as(line)
                        .isNotNull();
            }
            assertThat(served.log()).contains("run=1 job=event-expiry");
        }
    }

    @Test
    void commandsLeaveTheDoorsShut() throws IOException {
        segdiff.with("QUARKUS_HTTP_PORT", "1");

        assertThat(segdiff.run("status").exitCode()).isZero();
    }
}
