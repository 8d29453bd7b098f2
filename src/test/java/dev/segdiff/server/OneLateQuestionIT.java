package dev.segdiff.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.segdiff.support.Await;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.Served;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One question to the database that fails or is late never silences the others, at whatever door it is asked. */
class OneLateQuestionIT {
    private static final List<String> JOBS =
            List.of("segment-diff", "snapshot-cleanup", "event-expiry", "index-maintenance");

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    private Segdiff segdiff(String place) throws IOException {
        return new Segdiff(Files.createDirectories(directory.resolve(place)))
                .on(db)
                .servingOnly();
    }

    private Connection lock(String table) throws SQLException {
        Connection connection = db.connect();
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.execute("lock table " + table + " in access exclusive mode");
        }
        return connection;
    }

    @ParameterizedTest
    @CsvSource({"segdiff.index_rebuilds, index-maintenance, 500ms", "segdiff.index_rebuilds, index-maintenance, 20s"})
    void othersAreToldAtEachDoor(String table, String job, String lockTimeout) throws IOException, SQLException {
        Segdiff program = segdiff("served").with("SEGDIFF_LOCK_TIMEOUT", lockTimeout);
        try (Served served = Served.start(program, directory.resolve("served"));
                Connection lock = lock(table)) {
            Await.until("it is ready", () -> served.status("/q/health/ready") == 200);
            Await.until(
                    "the others are known",
                    () -> served.get("/api/status").body().split("unknown: ", -1).length == 2);

            JsonNode statuses = Served.json(served.get("/api/status"));
            assertThat(statuses).hasSize(JOBS.size());
            statuses.forEach(status -> {
                boolean unknown = status.at("/goal/summary").asText().startsWith("unknown: ");
                assertThat(unknown).isEqualTo(status.get("job").asText().equals(job));
            });
            HttpResponse<String> health = served.get("/q/health/group/goals");
            assertThat(health.body()).contains(JOBS).containsOnlyOnce("unknown: ");
            String page = served.get("/", "Accept", "text/html").body();
            assertThat(page).contains(JOBS).containsOnlyOnce("unknown: ").doesNotContain("role=\"alert\"");
            String metrics = served.get("/q/metrics", "Accept", "text/plain").body();
            assertThat(metrics).contains("segdiff_database_up 1.0");
            assertThat(JOBS)
                    .allSatisfy(each -> assertThat(metrics).contains("segdiff_job_goal_met{job_name=\"" + each + "\""));
        }
    }

    @Test
    void statusTellsTheOthersAndExitsAsUsual() throws IOException, SQLException {
        try (Connection lock = lock("segdiff.index_rebuilds")) {
            Ended ended = segdiff("command").run("status");

            assertThat(ended.exitCode()).as(ended.toString()).isZero();
            assertThat(ended.out()).contains(JOBS).containsOnlyOnce("unknown: ");
            JsonNode statuses = segdiff("command").run("status", "--json").json();
            assertThat(statuses).hasSize(JOBS.size());
            assertThat(statuses.at("/3/goal/met").isBoolean()).isTrue();
            assertThat(statuses.at("/3/goal/summary").asText()).startsWith("unknown: ");
        }
    }

    /** The ledger itself: nothing is known of any job, and each says so. */
    @Test
    void statusOfALockedLedgerTellsThatEachIsUnknown() throws IOException, SQLException {
        try (Connection lock = lock("segdiff.job_controls")) {
            Ended ended = segdiff("command").run("status");

            assertThat(ended.exitCode()).as(ended.toString()).isZero();
            assertThat(ended.out()).contains(JOBS);
            assertThat(ended.out().split("unknown: ", -1)).hasSize(JOBS.size() + 1);
        }
    }
}
