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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** {@code serve} on a database of its own, with tokens, and another process beside it. */
abstract class ServeFixture {
    static final String ADMIN = "0123456789abcdef-admin";
    static final String READER = "0123456789abcdef-reader";
    static final String[] AS_ADMIN = {"Authorization", "Bearer " + ADMIN};
    static final String[] AS_READER = {"Authorization", "Bearer " + READER};

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    Segdiff segdiff;

    @BeforeEach
    void configure() {
        segdiff = new Segdiff(directory).on(db).servingOnly();
    }

    Served serve(String... options) {
        return Served.start(segdiff, directory, options);
    }

    Served serveWithTokens() throws IOException {
        Path tokens = directory.resolve("tokens");
        Files.writeString(
                tokens,
                "# people\nroot run " + ADMIN + "\nreader read " + READER
                        + "\ngone run 0123456789abcdef-gone 2020-01-01\n");
        segdiff.with("SEGDIFF_API_TOKENS_FILE", tokens.toString());
        return serve();
    }

    /** Another process on the same database. */
    Ended command(String... arguments) throws IOException {
        Path elsewhere = Files.createDirectories(directory.resolve("command"));
        return new Segdiff(elsewhere).on(db).run(arguments);
    }

    void eventsThatTakeLong() {
        db.execute(
                "create table event (created_at timestamptz not null)",
                "insert into event select now() - interval '100 days' - i * interval '1 s' from generate_series(1, 18000) i",
                "insert into event select now() from generate_series(1, 2000) i",
                "create index on event (created_at)",
                "analyze event",
                "insert into segdiff.job_controls (job, rows_per_second) values ('event-expiry', 500)");
        segdiff.withPolicy("AUDIT", "public.event", "90d");
    }

    static JsonNode started(HttpResponse<String> response) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(202);
        return Served.json(response);
    }

    static JsonNode awaitEnd(Served served, String location, String... headers) {
        Await.until(
                "the run has ended",
                () -> !Served.json(served.get(location, headers)).get("outcome").isNull());
        return Served.json(served.get(location, headers));
    }
}
