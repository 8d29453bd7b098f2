package dev.segdiff.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.segdiff.support.Await;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.Served;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code serve} as programs and people meet it over HTTP. */
class ServeIT {
    private static final String ADMIN = "0123456789abcdef-admin";
    private static final String READER = "0123456789abcdef-reader";
    private static final String[] AS_ADMIN = {"Authorization", "Bearer " + ADMIN};
    private static final String[] AS_READER = {"Authorization", "Bearer " + READER};

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private Segdiff segdiff;

    @BeforeEach
    void configure() {
        segdiff = new Segdiff(directory)
                .on(db)
                .with("SEGDIFF_SCHEDULE_ENABLED", "false")
                // Tests ask more often than people.
                .with("SEGDIFF_API_REQUESTS_PER_SECOND", "1000");
    }

    private Served serve(String... options) {
        return Served.start(segdiff, directory, options);
    }

    private Served serveWithTokens() throws IOException {
        Path tokens = directory.resolve("tokens");
        Files.writeString(
                tokens,
                "# people\nroot run " + ADMIN + "\nreader read " + READER
                        + "\ngone run 0123456789abcdef-gone 2020-01-01\n");
        segdiff.with("SEGDIFF_API_TOKENS_FILE", tokens.toString());
        return serve();
    }

    /** Another process on the same database. */
    private Ended command(String... arguments) throws IOException {
        Path elsewhere = Files.createDirectories(directory.resolve("command"));
        return new Segdiff(elsewhere).on(db).run(arguments);
    }

    private void eventsThatTakeLong() {
        db.execute(
                "create table event (created_at timestamptz not null)",
                "insert into event select now() - interval '100 days' - i * interval '1 s' from generate_series(1, 18000) i",
                "insert into event select now() from generate_series(1, 2000) i",
                "create index on event (created_at)",
                "analyze event",
                "insert into segdiff.job_controls (job, rows_per_second) values ('event-expiry', 500)");
        segdiff.with("SEGDIFF_EVENTS_AUDIT_TABLE", "public.event")
                .with("SEGDIFF_EVENTS_AUDIT_TIME_COLUMN", "created_at")
                .with("SEGDIFF_EVENTS_AUDIT_RETENTION", "90d");
    }

    private static JsonNode started(HttpResponse<String> response) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(202);
        return Served.json(response);
    }

    private static JsonNode awaitEnd(Served served, String location, String... headers) {
        Await.until(
                "the run has ended",
                () -> !Served.json(served.get(location, headers)).get("outcome").isNull());
        return Served.json(served.get(location, headers));
    }

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
    void whoHasNoRightIsRefused() throws IOException {
        try (Served served = serveWithTokens()) {
            for (String token :
                    List.of("", "Bearer ", "Bearer wrong", "Basic cm9vdDpyb290", "Bearer 0123456789abcdef-gone")) {
                String[] headers = token.isEmpty() ? new String[0] : new String[] {"Authorization", token};
                for (String path : List.of("/api/status", "/api/runs", "/api/runs/1")) {
                    HttpResponse<String> response = served.get(path, headers);
                    assertThat(response.statusCode()).as(token + " " + path).isEqualTo(401);
                    assertThat(response.headers().firstValue("WWW-Authenticate"))
                            .hasValue("Bearer realm=\"segdiff\"");
                    assertThat(Served.json(response).get("error").asText()).isNotEmpty();
                }
                assertThat(served.send("POST", "/api/jobs/segment-diff/runs", "", headers)
                                .statusCode())
                        .isEqualTo(401);
            }
            assertThat(served.get("/api/runs", AS_READER).statusCode()).isEqualTo(200);
            assertThat(served.send("POST", "/api/jobs/segment-diff/runs", "", AS_READER)
                            .statusCode())
                    .isEqualTo(403);
            assertThat(served.send("DELETE", "/api/runs/1", "", AS_READER).statusCode())
                    .isEqualTo(403);
            for (String open :
                    List.of("/q/health/live", "/q/health/ready", "/q/metrics", "/q/openapi", "/segdiff.css")) {
                assertThat(served.status(open)).as(open).isEqualTo(200);
            }
            assertThat(db.value("select count(*) from segdiff.runs")).isEqualTo("0");
            assertThat(served.log()).doesNotContain(ADMIN).doesNotContain(READER);
        }
    }

    @Test
    void tokenThatIsTakenAwayIsOfNoMoreUse() throws IOException {
        try (Served served = serveWithTokens()) {
            assertThat(served.get("/api/runs", AS_READER).statusCode()).isEqualTo(200);
            Files.writeString(directory.resolve("tokens"), "root run " + ADMIN);

            Await.until(
                    "it is refused", () -> served.get("/api/runs", AS_READER).statusCode() == 401);
            assertThat(served.get("/api/runs", AS_ADMIN).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void withoutATokenWhatIsReachedFromElsewhereRefusesEverybody() {
        segdiff.with("QUARKUS_HTTP_HOST", "0.0.0.0");
        try (Served served = serve()) {
            HttpResponse<String> response = served.get("/api/runs");

            assertThat(response.statusCode()).isEqualTo(401);
            assertThat(response.body()).contains("no token is configured");
            assertThat(served.get("/").statusCode()).isEqualTo(303);
        }
    }

    @Test
    void withoutATokenThisMachineIsServedAndNoPageOfElsewhere() {
        try (Served served = serve()) {
            assertThat(served.get("/api/runs").statusCode()).isEqualTo(200);
            assertThat(served.get("/api/runs", "Host", "evil.example:80").statusCode())
                    .isEqualTo(403);
            for (String[] foreign : List.of(
                    new String[] {"Origin", "http://evil.example"},
                    new String[] {"Origin", "null"},
                    new String[] {"Sec-Fetch-Site", "cross-site"})) {
                assertThat(served.send("POST", "/api/jobs/segment-diff/runs", "", foreign)
                                .statusCode())
                        .isEqualTo(403);
            }
            assertThat(served.send("POST", "/q/../api/jobs/segment-diff/runs", "", "Origin", "http://evil.example")
                            .statusCode())
                    .isEqualTo(403);
            assertThat(served.send("POST", "/api/jobs/segment-diff/runs", "", "Origin", served.url(""))
                            .statusCode())
                    .isEqualTo(202);
        }
    }

    @Test
    void mistakesAreToldWithoutHowItLooksInside() throws IOException {
        try (Served served = serveWithTokens()) {
            mistake(served, 404, "GET", "/api/nope", "", "there is nothing here");
            mistake(served, 404, "GET", "/api/runs/99", "", "there is no run 99");
            mistake(served, 404, "DELETE", "/api/runs/99", "", "there is no run 99");
            mistake(served, 400, "GET", "/api/runs?job=segment-dif", "", "did you mean segment-diff?");
            mistake(served, 404, "POST", "/api/jobs/segment-dif/runs", "", "did you mean segment-diff?");
            mistake(served, 405, "PUT", "/api/runs", "", "this method is not for this path");
            mistake(served, 400, "POST", "/api/jobs/segment-diff/runs", "{\"day\":", "the body is no JSON");
            for (String unclear : List.of("null", "\"\"", "\"true\"", "0")) {
                String body = "{\"dry_run\":" + unclear + "}";
                mistake(
                        served,
                        400,
                        "POST",
                        "/api/jobs/segment-diff/runs",
                        body,
                        "the field dry_run has a wrong value");
            }
            mistake(served, 400, "POST", "/api/jobs/segment-diff/runs", "{\"accept\":[null]}", "accept holds null");
            mistake(served, 400, "POST", "/api/jobs/segment-diff/runs", "{\"accept\":null}", "wrong value");
            mistake(
                    served,
                    400,
                    "POST",
                    "/api/jobs/segment-diff/runs",
                    "{\"dai\":1}",
                    "unknown field dai, expected one of");
            mistake(
                    served,
                    400,
                    "POST",
                    "/api/jobs/segment-diff/runs",
                    "{\"day\":\"x\"}",
                    "the field day has a wrong value");
            mistake(served, 400, "POST", "/api/jobs/segment-diff/runs", "{\"day\":\"2999-01-01\"}", "has not begun");
            mistake(
                    served,
                    400,
                    "POST",
                    "/api/jobs/segment-diff/runs",
                    "{\"accept\":[\"x\"]}",
                    "expected CUSTOMER/SEGMENT");
            HttpResponse<String> form = served.send(
                    "POST",
                    "/api/jobs/segment-diff/runs",
                    "a=b",
                    "Authorization",
                    "Bearer " + ADMIN,
                    "Content-Type",
                    "text/plain");
            assertThat(form.statusCode()).isEqualTo(415);
            assertThat(db.value("select count(*) from segdiff.runs")).isEqualTo("0");
        }
    }

    private static void mistake(Served served, int status, String method, String path, String body, String expected) {
        HttpResponse<String> response =
                served.send(method, path, body, "Authorization", "Bearer " + ADMIN, "Content-Type", "application/json");
        assertThat(response.statusCode()).as(path + " " + response.body()).isEqualTo(status);
        JsonNode problem = Served.json(response);
        assertThat(problem.get("error").asText()).contains(expected);
        assertThat(problem.get("request_id").asText())
                .isEqualTo(response.headers().firstValue("X-Request-Id").orElseThrow());
        assertThat(response.body())
                .doesNotContain("Exception")
                .doesNotContain("dev.segdiff")
                .doesNotContain("select ");
    }

    @Test
    void tooMuchIsRefused() throws IOException {
        segdiff.with("SEGDIFF_API_REQUESTS_PER_SECOND", "2");
        try (Served served = serveWithTokens()) {
            HttpResponse<String> large = served.send(
                    "POST",
                    "/api/jobs/segment-diff/runs",
                    "{\"accept\":[\"" + "7/42".repeat(10_000) + "\"]}",
                    "Authorization",
                    "Bearer " + ADMIN,
                    "Content-Type",
                    "application/json");
            assertThat(large.statusCode()).isEqualTo(413);

            List<Integer> answers = IntStream.range(0, 40)
                    .mapToObj(i -> served.get("/api/runs", AS_ADMIN).statusCode())
                    .toList();
            assertThat(answers).contains(200, 429);
            assertThat(served.status("/q/health/live")).isEqualTo(200);
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
        Segdiff cronJob = new Segdiff(elsewhere)
                .on(db)
                .with("SEGDIFF_EVENTS_AUDIT_TABLE", "public.event")
                .with("SEGDIFF_EVENTS_AUDIT_TIME_COLUMN", "created_at")
                .with("SEGDIFF_EVENTS_AUDIT_RETENTION", "90d");
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

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '"',
            value = {
                "SEGDIFF_SCHEDULE_CRON_SEGMENT_DIFF; daily; key segdiff.schedule.cron.segment-diff has the value 'daily': expected a cron expression of five fields",
                "SEGDIFF_SCHEDULE_CRON_SEGMENT_DIF; off; unknown key segdiff.schedule.cron.segment",
                "SEGDIFF_SCHEDULE_TIME_ZONE_EVENT_EXPIRY; Mars; expected a time zone by name",
                "SEGDIFF_HEALTH_MAX_AGE_EVENT_EXPIRY; soon; key segdiff.health.max-age.event-expiry has the value 'soon'",
                "SEGDIFF_SCHEDULE_STARTING_DEADLINE; 0s; expected a duration of a second or more",
                "SEGDIFF_SCHEDULE_ENABLED; perhaps; key segdiff.schedule.enabled has the value 'perhaps': expected true or false",
                "SEGDIFF_API_TOKEN; short; segdiff.api.token has less than 16 characters",
                "SEGDIFF_API_TOKENS_FILE; /nowhere/tokens; /nowhere/tokens does not exist",
                "SEGDIFF_EVENTS_AUDIT_RETENTION; 90d; segdiff.events.audit.table is missing",
            })
    void wrongConfigurationIsToldAtTheStartAndExitsWithTwo(String variable, String value, String expected) {
        Ended ended = segdiff.with("SEGDIFF_SCHEDULE_ENABLED", "true")
                .with("QUARKUS_HTTP_PORT", String.valueOf(Served.freePort()))
                .with(variable, value)
                .run("serve");

        assertThat(ended.exitCode()).as(ended.toString()).isEqualTo(2);
        assertThat(ended.err()).contains(expected).doesNotContain("\tat ");
    }

    @Test
    void addressThatIsTakenIsToldAndExitsWithTwo() {
        try (Served served = serve()) {
            Ended ended = segdiff.run("serve");

            assertThat(ended.exitCode()).isEqualTo(2);
            assertThat(ended.err()).contains("QUARKUS_HTTP_PORT").doesNotContain("\tat ");
            assertThat(served.process().isAlive()).isTrue();
        }
    }

    @Test
    void commandsLeaveTheDoorsShut() throws IOException {
        segdiff.with("QUARKUS_HTTP_PORT", "1");

        assertThat(segdiff.run("status").exitCode()).isZero();
    }

    private static final Pattern KEY = Pattern.compile("name=\"key\" value=\"([^\"]+)\"");

    @Test
    void pageNeedsALoginAndItsFormsAKey() throws IOException {
        try (Served served = serveWithTokens()) {
            assertThat(served.get("/").headers().firstValue("Location")).hasValue("/login");
            assertThat(login(served, "wrong").statusCode()).isEqualTo(401);
            String cookie =
                    login(served, ADMIN).headers().firstValue("Set-Cookie").orElseThrow();
            assertThat(cookie)
                    .contains("HttpOnly")
                    .containsIgnoringCase("SameSite=Strict")
                    .contains("Path=/");
            String session = cookie.substring(0, cookie.indexOf(';'));

            HttpResponse<String> page = served.get("/", "Cookie", session);
            assertThat(page.body()).contains("event-expiry").contains("Run now");
            assertThat(page.headers().firstValue("Content-Security-Policy"))
                    .get()
                    .asString()
                    .contains("default-src 'none'");
            Matcher key = KEY.matcher(page.body());
            assertThat(key.find()).isTrue();

            for (String form :
                    List.of("", "key=", "key=" + key.group(1).replace('a', 'b').replace('A', 'B') + "x")) {
                assertThat(form(served, "/jobs/event-expiry/runs", form, session)
                                .statusCode())
                        .isEqualTo(403);
            }
            assertThat(form(served, "/jobs/event-expiry/runs", "key=" + key.group(1), "segdiff_session=x")
                            .statusCode())
                    .isEqualTo(401);
            assertThat(db.value("select count(*) from segdiff.runs")).isEqualTo("0");
            assertThat(form(served, "/jobs/event-expiry/runs", "key=" + key.group(1), session)
                            .statusCode())
                    .isEqualTo(303);
            assertThat(db.value("select actor from segdiff.runs")).isEqualTo("root");
            assertThat(served.get("/api/runs", "Cookie", session).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void peopleGetPagesWhereProgramsGetJson() throws IOException {
        String[] asABrowser = {"Accept", "text/html,*/*"};
        try (Served served = serveWithTokens()) {
            HttpResponse<String> unknown = served.get("/nope", asABrowser);
            assertThat(unknown.statusCode()).isEqualTo(404);
            assertThat(unknown.body()).contains("<!doctype html>", "there is nothing here");
            HttpResponse<String> ended = served.send(
                    "POST",
                    "/jobs/event-expiry/runs",
                    "key=x",
                    "Accept",
                    "text/html",
                    "Content-Type",
                    "application/x-www-form-urlencoded");
            assertThat(ended.statusCode()).isEqualTo(303);
            assertThat(ended.headers().firstValue("Location")).hasValue("/login");
        }
    }

    @Test
    void cookieBehindAProxyThatSpeaksTlsIsSecure() throws IOException {
        segdiff.with("QUARKUS_HTTP_PROXY_PROXY_ADDRESS_FORWARDING", "true")
                .with("QUARKUS_HTTP_PROXY_TRUSTED_PROXIES", "127.0.0.1");
        try (Served served = serveWithTokens()) {
            HttpResponse<String> login = served.send(
                    "POST",
                    "/login",
                    "token=" + ADMIN,
                    "Content-Type",
                    "application/x-www-form-urlencoded",
                    "X-Forwarded-Proto",
                    "https");

            assertThat(login.headers().firstValue("Set-Cookie"))
                    .get()
                    .asString()
                    .contains("Secure");
            assertThat(login.headers().firstValue("Location")).hasValue("/");
        }
    }

    @Test
    void pageShowsTheIndexesThatNeedAPersonFirst() throws IOException {
        db.execute(
                "create index faulty on segdiff.segments (source)",
                "update pg_index set indisvalid = false where indexrelid = 'segdiff.faulty'::regclass");
        try (Served served = serve()) {
            String page = served.get("/").body();

            assertThat(page.substring(page.indexOf("id=\"indexes\"")))
                    .containsSubsequence("segdiff.faulty", "<span class=\"badge missed\">invalid</span>", "segdiff.");
        }
    }

    @Test
    void readerSeesThePageAndNoButtons() throws IOException {
        try (Served served = serveWithTokens()) {
            String cookie =
                    login(served, READER).headers().firstValue("Set-Cookie").orElseThrow();
            String session = cookie.substring(0, cookie.indexOf(';'));

            assertThat(served.get("/", "Cookie", session).body())
                    .contains("event-expiry")
                    .doesNotContain("Run now");
            assertThat(form(served, "/jobs/event-expiry/runs", "key=x", session).statusCode())
                    .isEqualTo(403);
        }
    }

    private static HttpResponse<String> login(Served served, String token) {
        return served.send("POST", "/login", "token=" + token, "Content-Type", "application/x-www-form-urlencoded");
    }

    private static HttpResponse<String> form(Served served, String path, String body, String cookie) {
        return served.send("POST", path, body, "Content-Type", "application/x-www-form-urlencoded", "Cookie", cookie);
    }
}
