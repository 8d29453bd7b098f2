package dev.segdiff.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Served;
import dev.segdiff.support.TestDatabase;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** A request that is unclear is refused with what is expected, and starts nothing. */
class BadRequestIT {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    private Served serve() {
        return Served.start(new Segdiff(directory).on(db).servingOnly(), directory);
    }

    private static void refused(HttpResponse<String> response, String expected) {
        assertThat(response.statusCode())
                .as(response.uri() + " " + response.body())
                .isEqualTo(400);
        assertThat(Served.json(response).get("error").asText()).contains(expected);
    }

    @Test
    void numberThatIsNoneIsRefused() {
        try (Served served = serve()) {
            for (String wrong : List.of("abc", "-5", "0", "1.5", "101", "99999999999999999999")) {
                refused(served.get("/api/runs?limit=" + wrong), "expected a whole number from 1 to 100");
            }
            for (String wrong : List.of("abc", "-1", "0", "99999999999999999999")) {
                refused(served.get("/api/runs?before=" + wrong), "expected a whole number from 1 on");
                refused(
                        served.get("/api/runs/" + wrong),
                        "the run is '" + wrong + "', expected a whole number from 1 on");
                refused(served.send("DELETE", "/api/runs/" + wrong, ""), "expected a whole number from 1 on");
                assertThat(served.get("/runs/" + wrong, "Accept", "text/html").statusCode())
                        .isEqualTo(400);
            }
            assertThat(served.get("/api/runs?limit=100").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void whatIsGivenTwiceIsRefused() {
        try (Served served = serve()) {
            for (String body : List.of(
                    "{\"dry_run\": true, \"dry_run\": false}",
                    "{\"dry_run\": true, \"force\": true, \"dry_run\": true}",
                    "{\"accept\": [], \"accept\": []}")) {
                refused(
                        served.send("POST", "/api/jobs/segment-diff/runs", body, "Content-Type", "application/json"),
                        "is given twice");
            }
            refused(
                    served.send(
                            "POST",
                            "/api/jobs/segment-diff/runs",
                            "{\"dry_run\": true} {\"dry_run\": false}",
                            "Content-Type",
                            "application/json"),
                    "the body is no JSON");
            refused(served.get("/api/runs?limit=1&limit=2"), "the parameter 'limit' is given twice");
            refused(served.get("/api/status?x=1&x=1"), "the parameter 'x' is given twice");
            assertThat(db.value("select count(*) from segdiff.runs")).isEqualTo("0");
        }
    }
}
