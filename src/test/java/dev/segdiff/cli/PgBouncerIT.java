package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.segdiff.support.Await;
import dev.segdiff.support.Bystanders;
import dev.segdiff.support.PgBouncer;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.Served;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * The program behind PgBouncer in transaction mode: it works, and whoever else uses the pool never finds anything of
 * segdiff in a session, neither meanwhile nor afterwards.
 */
class PgBouncerIT {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private PgBouncer pooler;

    @SuppressWarnings("NullAway.Init")
    private Bystanders bystanders;

    @BeforeEach
    void start() throws IOException {
        pooler = PgBouncer.start(directory, db);
        bystanders = new Bystanders(pooler);
    }

    @AfterEach
    void nothingStaysBehind() {
        if (bystanders == null) {
            return; // There is no PgBouncer here.
        }
        bystanders.close();
        pooler.close();
        assertThat(bystanders.leftovers()).isEmpty();
        assertThat(bystanders.sessions()).hasSizeGreaterThan(1);
    }

    private Segdiff segdiff(String worker) throws IOException {
        return new Segdiff(Files.createDirectories(directory.resolve(worker)))
                .on(db)
                .with("QUARKUS_DATASOURCE_JDBC_URL", pooler.url())
                .withPolicy("AUDIT", "public.event", "90d");
    }

    private static Ended expect(int exitCode, Ended ended) {
        assertThat(ended.exitCode()).as(ended.toString()).isEqualTo(exitCode);
        assertThat(ended.err()).doesNotContain("\tat ");
        return ended;
    }

    private Ended expect(int exitCode, String line) throws IOException {
        return expect(exitCode, segdiff("one").run(line.split(" ")));
    }

    private void audience() {
        db.execute("create table audience (contact_id bigint)", "insert into audience select generate_series(1, 5)");
    }

    @Test
    void segmentsAreComparedUploadedReadTrashedAndBroughtBack() throws IOException {
        audience();
        expect(0, "segments add 7 1 --source audience");
        expect(0, "segments add 7 2 --upload");
        assertThat(expect(0, segdiff("one").runWithInput("1\n2\n", "segments", "load", "7", "2"))
                        .out())
                .contains("2 contacts");
        assertThat(expect(0, "run segment-diff").out()).contains("published=1");
        assertThat(expect(0, "segments changes 7 1").out()).contains("5 added, 0 removed");
        assertThat(expect(0, "segments use 7 1").out()).contains("is at version");

        db.execute("update segdiff.segments set last_used_at = now() - interval '40 days'");
        JsonNode cleanup = expect(0, "run snapshot-cleanup --json").json();
        assertThat(cleanup.at("/0/counts/trashed").asInt()).isEqualTo(2);
        expect(0, "segments restore 7 2");
        assertThat(expect(0, "undo " + cleanup.at("/0/run_id").asText() + " --yes")
                        .out())
                .contains("Put back: 1.");
        assertThat(expect(0, "segments list").out()).contains("audience", "(upload)");
    }

    @Test
    void workersSideBySideShareTheSegments() throws IOException {
        db.execute(
                "create table shared (customer_id bigint, segment_id bigint, contact_id bigint)",
                "insert into shared select 7, s, c from generate_series(1, 100) s, generate_series(1, 20) c",
                "insert into segdiff.segments (customer_id, segment_id, source) select 7, s, 'shared' from generate_series(1, 100) s");
        Segdiff one = segdiff("one");
        Segdiff two = segdiff("two");
        Process first = one.start("run", "segment-diff");
        Process second = two.start("run", "segment-diff");

        expect(0, one.await(first));
        expect(0, two.await(second));

        assertThat(db.value("select count(*), count(distinct segment_id) from segdiff.segment_versions"))
                .isEqualTo("100|100");
    }

    @Test
    void eventsExpireInBatchesAndTheRunIsSteeredFromOutside() throws IOException {
        db.execute(
                "create table event (id int primary key, created_at timestamptz not null)",
                "create index on event (created_at)",
                "insert into event select g, now() - interval '91 days' - g * interval '1 second' from generate_series(1, 3000) g",
                "insert into event select -g, now() from generate_series(1, 300) g");
        expect(0, "pause event-expiry");
        expect(0, "resume event-expiry");
        expect(0, "limit event-expiry --rows-per-second 100");
        Segdiff slow = segdiff("slow").with("SEGDIFF_BATCH_MAX_ROWS", "200");
        Process run = slow.start("run", "event-expiry");
        Await.until("it is at work", () -> !db.rows("select * from segdiff.event_days")
                .isEmpty());

        expect(0, "stop " + db.value("select max(run_id) from segdiff.runs"));

        expect(75, slow.await(run));
        expect(0, "limit event-expiry --none");
        expect(0, slow.run("run", "event-expiry"));
        assertThat(db.value("select count(*) from event")).isEqualTo("300");
    }

    /** Twelve months of long ago. */
    private void partitions() {
        db.execute(
                "create table event (id bigint, created_at timestamptz not null) partition by range (created_at)",
                """
                do $$ begin
                    for n in 1..12 loop
                        execute format('create table event_%s partition of event for values from (%L) to (%L)', n,
                            make_date(2019, n, 1), make_date(2019, n, 1) + interval '1 month');
                    end loop;
                end $$
                """,
                "create index on event (created_at)");
        db.giveToWorker("event");
    }

    @Test
    void expiredPartitionsAreDetachedAndAnUndoPutsThemBack() throws IOException {
        partitions();

        JsonNode run = expect(0, "run event-expiry --json").json();

        assertThat(run.at("/0/counts/partitions_detached").asInt()).isEqualTo(12);
        assertThat(
                        db.value(
                                "select count(*) from segdiff.trash where relation in (select oid from pg_class where relnamespace = 'segdiff_trash'::regnamespace)"))
                .isEqualTo("12");
        expect(0, "undo " + run.at("/0/run_id").asText() + " --yes");
        assertThat(db.value("select count(*) from pg_inherits where inhrelid::regclass::text ~ '^event_\\d+$'"))
                .isEqualTo("12");
        expect(0, "exemptions --end event_12");
    }

    @Test
    void partitionThatIsReadIsLeftToTheNextRun() throws IOException, SQLException {
        partitions();
        try (Connection reader = db.connect()) {
            reader.setAutoCommit(false);
            TestDatabase.rows(reader, "select count(*) from event");

            expect(75, "run event-expiry");
        }
        assertThat(expect(0, "run event-expiry").out()).contains("partitions_detached=12");
    }

    @Test
    void detachThatWasCutOffIsFinished() throws IOException, SQLException {
        partitions();
        try (Connection reader = db.connect();
                Connection detaching = db.connect()) {
            reader.setAutoCommit(false);
            TestDatabase.rows(reader, "select count(*) from event");
            detaching.createStatement().execute("set statement_timeout = '200ms'");
            try {
                detaching.createStatement().execute("alter table event detach partition event_1 concurrently");
            } catch (SQLException e) {
                assertThat(e.getSQLState()).isEqualTo("57014");
            }
        }
        assertThat(db.rows("select inhrelid::regclass from pg_inherits where inhdetachpending"))
                .containsExactly("event_1");

        expect(0, "run event-expiry");

        assertThat(db.rows("select inhrelid::regclass from pg_inherits where inhdetachpending"))
                .isEmpty();
    }

    /** An index of many pages, most of which are empty. */
    private void bloat() {
        db.execute(
                "create table event (created_at timestamptz not null)",
                "insert into event select now() - i * interval '1 minute' from generate_series(1, 100000) i",
                "create index on event (created_at)",
                "delete from event where extract(minute from created_at) > 1");
        db.giveToWorker("event");
    }

    private Segdiff indexes() throws IOException {
        return segdiff("one").with("SEGDIFF_INDEX_MIN_SIZE", "64kB");
    }

    @Test
    void indexMaintenanceWantsASessionOfItsOwnAndSaysHow() throws IOException {
        assertThat(expect(3, indexes().run("run", "index-maintenance")).out())
                .contains("a pooler is between", "segdiff.direct-jdbc-url");
        assertThat(expect(
                                3,
                                indexes()
                                        .with(
                                                "SEGDIFF_DIRECT_JDBC_URL",
                                                db.url().replace(db.name(), "postgres"))
                                        .run("run", "index-maintenance"))
                        .out())
                .contains("leads to database postgres", "expected " + db.name());
    }

    @Test
    void indexMaintenanceTakesTheDirectWay() throws IOException {
        bloat();
        expect(0, "run event-expiry");

        JsonNode run = expect(
                        0,
                        indexes().with("SEGDIFF_DIRECT_JDBC_URL", db.url()).run("run", "index-maintenance", "--json"))
                .json();

        assertThat(run.at("/0/counts/rebuilt").asInt()).as(run.toString()).isPositive();
    }

    @Test
    void damageIsSeenTakenBackAndRedone() throws IOException {
        db.execute("create table shard (id int primary key)", "insert into shard select generate_series(1, 5)");
        db.giveToWorker("shard");
        expect(0, "audit enable shard");
        db.execute("delete from shard where id > 3");
        String transaction = expect(0, "audit log shard --format json --limit 1")
                .json()
                .get(0)
                .get("transaction")
                .asText();

        expect(0, "audit undo shard --tx " + transaction + " --yes");
        assertThat(db.value("select count(*) from shard")).isEqualTo("5");
        expect(0, "audit redo shard --yes");
        assertThat(db.value("select count(*) from shard")).isEqualTo("3");
    }

    @Test
    void terminatedRunCancelsItsStatement() throws IOException {
        db.execute("create view slow as select 1 as contact_id from pg_sleep(600)");
        db.execute("insert into segdiff.segments (customer_id, segment_id, source) values (7, 1, 'slow')");
        Segdiff one = segdiff("one");
        Process process = one.start("run", "segment-diff");
        Await.until("it reads", () -> db.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'")
                .equals("1"));

        process.destroy();

        assertThat(expect(75, one.await(process)).out()).contains("INTERRUPTED", "SIGTERM");
        assertThat(db.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'"))
                .isEqualTo("0");
    }

    @Test
    void serveIsReadyAndRunsWhatItIsAskedFor() throws IOException {
        audience();
        db.execute("insert into segdiff.segments (customer_id, segment_id, source) values (7, 1, 'audience')");
        try (Served served =
                Served.start(segdiff("serve").with("SEGDIFF_SCHEDULE_ENABLED", "false"), directory.resolve("serve"))) {
            Await.until("it is ready", () -> served.status("/q/health/ready") == 200);
            assertThat(served.status("/q/health")).isEqualTo(200);
            String location = Served.json(served.send("POST", "/api/jobs/segment-diff/runs", ""))
                    .get("location")
                    .asText();
            Await.until(
                    "the run has ended",
                    () -> !Served.json(served.get(location)).get("outcome").isNull());

            assertThat(Served.json(served.get(location)).get("outcome").asText())
                    .isEqualTo("SUCCEEDED");
            for (String path : List.of("/", "/api/status", "/api/runs", "/q/metrics")) {
                assertThat(served.status(path)).as(path).isEqualTo(200);
            }
            assertThat(served.terminate()).isIn(0, 143);
        }
    }

    @Test
    void demoRuns() throws IOException {
        db.execute("grant create on database %s to segdiff_worker".formatted(db.name()));

        assertThat(expect(0, "demo").out()).contains("replayed 30 days");
    }

    @Test
    void migrationsSideBySideApplyOnce() throws IOException, SQLException {
        TestDatabase empty = new TestDatabase();
        empty.create("template0");
        Path files = Files.createDirectories(directory.resolve("empty"));
        try (PgBouncer before = PgBouncer.start(files, empty);
                Bystanders others = new Bystanders(before)) {
            List<Segdiff> pods = List.of(
                    segdiff("one").with("QUARKUS_DATASOURCE_JDBC_URL", before.url()),
                    segdiff("two").with("QUARKUS_DATASOURCE_JDBC_URL", before.url()));
            Process first = pods.get(0).start("migrate");
            Process second = pods.get(1).start("migrate");

            String out = expect(0, pods.get(0).await(first)).out()
                    + expect(0, pods.get(1).await(second)).out();

            assertThat(out).containsOnlyOnce("applied 1 segments").contains("up to date");
            others.close();
            assertThat(others.leftovers()).isEmpty();
        } finally {
            empty.drop();
        }
    }
}
