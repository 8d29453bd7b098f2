package dev.segdiff.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.Served;
import java.io.IOException;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code serve} answers to mistakes: of a request, of the configuration, of the machine. */
class ServeErrorsIT extends ServeFixture {
    /** Status, method, path, body, and a part of the error. */
    @Test
    void mistakesAreToldWithoutHowItLooksInside() throws IOException {
        String cases = """
                404 | GET    | /api/nope                   |                     | there is nothing here
                404 | GET    | /api/runs/99                |                     | there is no run 99
                404 | DELETE | /api/runs/99                |                     | there is no run 99
                400 | GET    | /api/runs?job=segment-dif   |                     | did you mean segment-diff?
                404 | POST   | /api/jobs/segment-dif/runs  |                     | did you mean segment-diff?
                405 | PUT    | /api/runs                   |                     | this method is not for this path
                400 | POST   | /api/jobs/segment-diff/runs | {"day":             | the body is no JSON
                400 | POST   | /api/jobs/segment-diff/runs | {"dry_run":null}    | the field dry_run has a wrong value
                400 | POST   | /api/jobs/segment-diff/runs | {"dry_run":""}      | the field dry_run has a wrong value
                400 | POST   | /api/jobs/segment-diff/runs | {"dry_run":"true"}  | the field dry_run has a wrong value
                400 | POST   | /api/jobs/segment-diff/runs | {"dry_run":0}       | the field dry_run has a wrong value
                400 | POST   | /api/jobs/segment-diff/runs | {"accept":[null]}   | accept holds null
                400 | POST   | /api/jobs/segment-diff/runs | {"accept":null}     | wrong value
                400 | POST   | /api/jobs/segment-diff/runs | {"dai":1}           | unknown field dai, expected one of
                400 | POST   | /api/jobs/segment-diff/runs | {"day":"x"}         | the field day has a wrong value
                400 | POST   | /api/jobs/segment-diff/runs | {"day":"2999-01-01"} | has not begun
                400 | POST   | /api/jobs/segment-diff/runs | {"accept":["x"]}    | expected CUSTOMER/SEGMENT
                """;
        try (Served served = serveWithTokens()) {
            for (String mistake : cases.lines().toList()) {
                String[] fields = mistake.split("\\|", -1);
                HttpResponse<String> response = served.send(
                        fields[1].strip(),
                        fields[2].strip(),
                        fields[3].strip(),
                        "Authorization",
                        "Bearer " + ADMIN,
                        "Content-Type",
                        "application/json");
                assertThat(response.statusCode())
                        .as(mistake + response.body())
                        .isEqualTo(Integer.parseInt(fields[0].strip()));
                assertTold(response, fields[4].strip());
            }
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

    private static void assertTold(HttpResponse<String> response, String expected) {
        JsonNode problem = Served.json(response);
        assertThat(problem.get("error").asText()).contains(expected);
        assertThat(problem.get("request_id").asText())
                .isEqualTo(response.headers().firstValue("X-Request-Id").orElseThrow());
        assertThat(response.body())
                .doesNotContain("Exception")
                .doesNotContain("dev.segdiff")
                .doesNotContain("select ");
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
}
