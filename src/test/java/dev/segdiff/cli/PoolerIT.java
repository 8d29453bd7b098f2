package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.segdiff.support.PgBouncer;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.TestDatabase;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** All jobs behind PgBouncer in transaction mode. */
class PoolerIT {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private PgBouncer pooler;

    private Segdiff segdiff() {
        return new Segdiff(directory)
                .on(db)
                .with("QUARKUS_DATASOURCE_JDBC_URL", pooler.url())
                .with("SEGDIFF_EVENTS_AUDIT_TABLE", "public.event")
                .with("SEGDIFF_EVENTS_AUDIT_TIME_COLUMN", "created_at")
                .with("SEGDIFF_EVENTS_AUDIT_RETENTION", "90d")
                .with("SEGDIFF_INDEX_MIN_SIZE", "64kB");
    }

    @BeforeEach
    void start() {
        pooler = PgBouncer.start(db, directory);
        db.execute(
                "create table audience as select g::bigint as contact_id from generate_series(1, 10) g",
                "create table event (created_at timestamptz not null)",
                "insert into event select now() - i * interval '1 minute' from generate_series(1, 200000) i",
                "create index on event (created_at)",
                "insert into segdiff.segments (customer_id, segment_id, source) values (7, 42, 'public.audience')",
                "insert into segdiff.segments (customer_id, segment_id, source, last_used_at) values (7, 43, 'public.audience', now() - interval '40 days')",
                "delete from event where created_at < now() - interval '10 days' and extract(minute from created_at) > 1");
        db.giveToWorker("event");
    }

    @AfterEach
    void stop() {
        pooler.close();
    }

    @Test
    void allOtherJobsRunThroughIt() {
        Ended ended = segdiff().run("run", "segment-diff", "snapshot-cleanup", "event-expiry", "--json");

        assertThat(ended.exitCode()).as(ended.toString()).isZero();
        assertThat(ended.json().findValuesAsText("outcome")).containsOnly("SUCCEEDED");
        assertThat(db.value("select count(*) from event where created_at < now() - interval '90 days'"))
                .isEqualTo("0");
    }

    @Test
    void indexMaintenanceRefusesItAndSaysWhatToDo() {
        Ended ended = segdiff().run("run", "index-maintenance", "--json");

        assertThat(ended.exitCode()).as(ended.toString()).isEqualTo(3);
        assertThat(ended.out()).contains("a pooler is between").contains("segdiff.direct-jdbc-url");
    }

    @Test
    void indexMaintenanceTakesTheDirectWayAndLeavesNoSettingBehind() {
        assertThat(segdiff().run("run", "event-expiry").exitCode()).isZero();

        Ended ended = segdiff().with("SEGDIFF_DIRECT_JDBC_URL", db.url()).run("run", "index-maintenance", "--json");

        assertThat(ended.exitCode()).as(ended.toString()).isZero();
        JsonNode counts = ended.json().get(0).get("counts");
        assertThat(counts.get("rebuilt").asInt()).as(ended.out()).isPositive();
    }

    @Test
    void directWayToAnotherDatabaseIsRefused() {
        String another = db.url().replace(db.name(), "postgres");

        Ended ended = segdiff().with("SEGDIFF_DIRECT_JDBC_URL", another).run("run", "index-maintenance");

        assertThat(ended.exitCode()).as(ended.toString()).isEqualTo(3);
        assertThat(ended.out() + ended.err())
                .contains("leads to database postgres")
                .contains("expected " + db.name());
    }
}
