package dev.segdiff.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Await;
import dev.segdiff.support.Served;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Who may ask {@code serve}, and how often. */
class ServeAccessIT extends ServeFixture {
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
}
