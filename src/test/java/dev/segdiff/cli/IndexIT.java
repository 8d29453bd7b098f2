package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.segdiff.index.IndexFixture;
import dev.segdiff.support.Await;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The program looks after indexes, and survives its death in the middle of it. */
class IndexIT {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private Segdiff segdiff;

    @BeforeEach
    void bloat() {
        IndexFixture.bloat(db, "event", 25_000, 4);
        segdiff = new Segdiff(directory)
                .on(db)
                .with("SEGDIFF_INDEX_TABLES", "public.*")
                .with("SEGDIFF_INDEX_MIN_SIZE", "64kB")
                .with("SEGDIFF_LEASE_DURATION", "1s");
    }

    @Test
    void killedRebuildEndsAndTheNextRunDropsWhatItLeft() throws Exception {
        try (Connection old = db.connect()) {
            old.setAutoCommit(false);
            old.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            old.createStatement().execute("select 1");
            Process process = segdiff.start("run", "index-maintenance");
            Await.until("the new index waits for the transaction", () -> db.value(
                            "select count(*) from segdiff.index_rebuilds where new_oid is not null")
                    .equals("1"));
            process.destroyForcibly().waitFor();

            Await.until("its session ends by itself", () -> db.value(
                            "select count(*) from pg_stat_progress_create_index where datname = current_database()")
                    .equals("0"));
        }
        assertThat(db.rows("select indexrelid::regclass from pg_index where not indisvalid"))
                .containsExactly("event_id_ccnew");

        Ended next = segdiff.run("run", "index-maintenance", "--json");

        assertThat(next.exitCode()).as(next.toString()).isZero();
        JsonNode counts = next.json().get(0).get("counts");
        assertThat(counts.get("leftovers_dropped").asInt()).isEqualTo(1);
        assertThat(counts.get("rebuilt").asInt()).isEqualTo(1);
        assertThat(db.rows("select indexrelid::regclass from pg_index where not indisvalid"))
                .isEmpty();
    }

    @Test
    void reportIsATableForPeopleAndJsonForPrograms() {
        db.execute("create index event_again on event (id)");

        Ended text = segdiff.run("index", "report");
        Ended json = segdiff.run("index", "report", "--json");

        assertThat(text.exitCode()).as(text.toString()).isZero();
        assertThat(text.out())
                .contains(
                        "by statistics",
                        "public.event_id",
                        "duplicate of event_id",
                        "pg_catalog.pg_class",
                        "autovacuum_naptime")
                .containsPattern("public.event_id +\\d\\.\\d MB +[34]\\.\\d\\d +statistics")
                .containsPattern("public.event +\\d\\.\\d MB +[34]\\.\\d\\d +statistics");
        JsonNode indexes = json.json().get("indexes");
        assertThat(indexes.get(0).at("/index/name").asText()).isEqualTo("event_id");
        assertThat(indexes.get(0).get("bloat").asDouble()).isGreaterThan(3);
        assertThat(indexes.get(0).get("wasted_bytes").asLong()).isPositive();
        JsonNode tables = json.json().get("tables");
        assertThat(tables.findValuesAsText("total_bytes")).isNotEmpty();
        assertThat(tables.findValuesAsText("bloat")).anyMatch(bloat -> bloat.matches("[34]\\..*"));
        assertThat(json.json().get("settings").findValuesAsText("name")).contains("autovacuum");
    }

    @Test
    void badValuesAreRefusedWithTheKeyAndWhatIsAllowed() {
        Ended ended = segdiff.with("SEGDIFF_INDEX_BLOAT_THRESHOLD", "1")
                .with("SEGDIFF_INDEX_WINDOW", "22-6")
                .with("SEGDIFF_INDEX_MIN_SIZE", "16M")
                .with("SEGDIFF_INDEX_TABLES", "orders")
                .run("status");

        assertThat(ended.exitCode()).as(ended.toString()).isEqualTo(2);
        assertThat(ended.err())
                .contains("key segdiff.index.bloat-threshold has the value '1': expected a factor from 1.1 on")
                .contains(
                        "key segdiff.index.window has the value '22-6': expected a time of the day such as 22:00-06:00")
                .contains("key segdiff.index.min-size has the value '16M': expected a size in kB, MB, GB or TB")
                .contains("expected SCHEMA.TABLE");
    }
}
