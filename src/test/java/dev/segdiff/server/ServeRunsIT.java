package dev.segdiff.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.segdiff.support.Await;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.Served;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import org.junit.jupiter.api.Test;

/** Runs that are asked for, followed and stopped over HTTP. */
class ServeRunsIT extends ServeFixture {
    @Test
    void runNowIsAcceptedAndFollowedAndInTheLedger() throws IOException {
        db.execute(
                "create table audience (contact_id bigint)",
                "insert into audience select generate_series(1, 5)",
                "insert into segdiff.segments (customer_id, segment_id, source) values (7, 42, 'audience')");
        try (Served served = serveWithTokens()) {
            HttpResponse<String> response = served.send("POST", "/api/jobs/segment-diff/runs", "", AS_ADMIN);
            String location = started(response).get("location").asText();
            assertThat(response.headers().firstValue("Location"))
                    .get()
                    .asString()
                    .endsWith(location);

            JsonNode run = awaitEnd(served, location, AS_READER);

            assertThat(run.get("outcome").asText()).isEqualTo("SUCCEEDED");
            assertThat(run.get("actor").asText()).isEqualTo("root");
            assertThat(run.get("trigger").asText()).isEqualTo("HTTP");
            assertThat(run.at("/counts/published").asInt()).isEqualTo(1);
            Await.until("the status tells it", () -> Served.json(served.get("/api/status", AS_READER))
                    .at("/0/last_run/run_id")
                    .equals(run.get("run_id")));
            assertThat(served.log())
                    .contains("actor=root request="
                            + response.headers().firstValue("X-Request-Id").orElseThrow());
        }
    }

    @Test
    void orderOfARunIsThatOfTheCommandLine() throws IOException {
        eventsThatTakeLong();
        try (Served served = serveWithTokens()) {
            String day = LocalDate.now(java.time.ZoneOffset.UTC).minusDays(1).toString();
            JsonNode run = awaitEnd(
                    served,
                    started(served.send(
                                    "POST",
                                    "/api/jobs/event-expiry/runs",
                                    "{\"dry_run\": true, \"day\": \"" + day + "\"}",
                                    "Authorization",
                                    "Bearer " + ADMIN,
                                    "Content-Type",
                                    "application/json"))
                            .get("location")
                            .asText(),
                    AS_ADMIN);

            assertThat(run.get("dry_run").asBoolean()).isTrue();
            assertThat(run.get("day").asText()).isEqualTo(day);
            assertThat(run.at("/counts/eligible").asLong()).isEqualTo(18000);
            assertThat(db.value("select count(*) from event")).isEqualTo("20000");
            assertThat(Served.json(served.get("/api/runs", AS_ADMIN)).at("/runs/0/statements"))
                    .isEmpty();
        }
    }

    @Test
    void runningJobIsBusyAndStopsWhenItIsAskedTo() throws IOException {
        eventsThatTakeLong();
        try (Served served = serveWithTokens()) {
            String run = started(served.send("POST", "/api/jobs/event-expiry/runs", "", AS_ADMIN))
                    .get("location")
                    .asText();
            Await.until(
                    "it is under way",
                    () -> Served.json(served.get(run, AS_READER))
                                    .at("/counts/expired")
                                    .asLong()
                            > 0);

            HttpResponse<String> again = served.send("POST", "/api/jobs/event-expiry/runs", "", AS_ADMIN);
            assertThat(again.statusCode()).isEqualTo(409);
            assertThat(again.body()).contains("event-expiry runs here: run 1");

            assertThat(served.send("DELETE", run, "", AS_ADMIN).statusCode()).isEqualTo(202);
            JsonNode ended = awaitEnd(served, run, AS_READER);
            assertThat(ended.get("outcome").asText()).isEqualTo("INTERRUPTED");
            assertThat(ended.get("reason").asText()).isEqualTo("stopped by root");
            assertThat(served.send("DELETE", run, "", AS_ADMIN).statusCode()).isEqualTo(409);
        }
    }

    @Test
    void runElsewhereIsToldAndStoppedFromHere() throws IOException, InterruptedException {
        eventsThatTakeLong();
        Path elsewhere = Files.createDirectories(directory.resolve("cronjob"));
        Segdiff cronJob = new Segdiff(elsewhere).on(db).withPolicy("AUDIT", "public.event", "90d");
        Process process = cronJob.start("run", "event-expiry");
        try (Served served = serveWithTokens()) {
            Await.until(
                    "it deletes", () -> !db.value("select count(*) from event").equals("20000"));

            HttpResponse<String> again = served.send("POST", "/api/jobs/event-expiry/runs", "", AS_ADMIN);
            assertThat(again.statusCode()).isEqualTo(409);
            assertThat(again.body()).contains("runs elsewhere").contains("(run 1, since ");
            assertThat(served.send("DELETE", "/api/runs/1", "", AS_ADMIN).statusCode())
                    .isEqualTo(202);

            assertThat(cronJob.await(process).exitCode()).isEqualTo(75);
            assertThat(awaitEnd(served, "/api/runs/1", AS_READER).get("reason").asText())
                    .isEqualTo("stopped by root");
        }
    }

    @Test
    void runOfTheServerIsStoppedFromTheShell() throws IOException {
        eventsThatTakeLong();
        try (Served served = serveWithTokens()) {
            String run = started(served.send("POST", "/api/jobs/event-expiry/runs", "", AS_ADMIN))
                    .get("location")
                    .asText();

            assertThat(command("stop", "1").out()).contains("asked run 1 of event-expiry to stop");

            assertThat(awaitEnd(served, run, AS_READER).get("outcome").asText()).isEqualTo("INTERRUPTED");
            Ended late = command("stop", "1");
            assertThat(late.exitCode()).isEqualTo(2);
            assertThat(late.err()).contains("run 1 has ended: INTERRUPTED");
            assertThat(command("stop", "99").err()).contains("there is no run 99");
        }
    }

    @Test
    void ledgerIsPaged() throws IOException {
        db.execute("""
                insert into segdiff.runs (job, trigger, worker, day, dry_run, ended_at, outcome)
                select case when i % 2 = 0 then 'segment-diff' else 'event-expiry' end, 'COMMAND', 'w', '2026-03-01', false, now(), 'SUCCEEDED'
                from generate_series(1, 25) i
                """);
        try (Served served = serveWithTokens()) {
            JsonNode first = Served.json(served.get("/api/runs?limit=10&job=segment-diff", AS_READER));
            JsonNode second = Served.json(served.get(first.get("next").asText(), AS_READER));

            assertThat(first.get("runs")).hasSize(10);
            assertThat(first.at("/runs/0/run_id").asInt()).isEqualTo(24);
            assertThat(second.get("runs")).hasSize(2);
            assertThat(second.at("/runs/1/run_id").asInt()).isEqualTo(2);
            assertThat(second.get("next").isNull()).isTrue();
        }
    }
}
