package dev.segdiff.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.db.Cancellation;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.Await;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IndexMaintenanceTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    /** A rebuild waits for it before it builds. */
    private static final String WRITER = "lock table event in row exclusive mode";

    /** A rebuild waits for it when it has built. */
    private static final String SNAPSHOT = "select 1";

    /** A rebuild waits for it when the new index has taken the place of the old. */
    private static final String READER = "lock table event in access share mode";

    private IndexFixture wire(String... more) {
        return new IndexFixture(db, more);
    }

    private void bloat(String table) {
        IndexFixture.bloat(db, table, 10_000, 4);
    }

    @Test
    void bloatedIndexIsRebuiltAndLean() {
        bloat("event");
        db.execute("create extension pgstattuple");
        IndexFixture index = wire();
        assertThat(index.index("event_id").bloat()).isGreaterThan(3);

        RunReport report = index.run();

        assertThat(report.outcome()).as(report.toString()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(report.counts()).containsEntry("rebuilt", 1L);
        assertThat(index.index("event_id").bloat()).isLessThan(1.1);
        assertThat(db.rows("""
                select outcome, index_name, table_name, measured, bytes_before > 3 * bytes_after, bloat_after < 1.1, clean, run_id = %d
                from segdiff.index_rebuilds
                """.formatted(report.runId())))
                .containsExactly("rebuilt|public.event_id|public.event|t|t|t|t|t");
    }

    @Test
    void writersDoNotWaitForARebuild() throws SQLException {
        IndexFixture.bloat(db, "event", 200_000, 4);
        AtomicBoolean over = new AtomicBoolean();
        CompletableFuture<Long> longest = CompletableFuture.supplyAsync(() -> write(over));

        RunReport report = wire().run();
        over.set(true);

        assertThat(report.counts()).as(report.toString()).containsEntry("rebuilt", 1L);
        assertThat(longest.join()).as("the longest write, in ms").isLessThan(1000);
    }

    private long write(AtomicBoolean over) {
        long longest = 0;
        try (Connection connection = db.connect();
                Statement statement = connection.createStatement()) {
            for (long id = 10_000_000; !over.get(); id++) {
                long start = System.nanoTime();
                statement.execute(
                        "insert into event values (%1$d); update event set filler = 'y' where id = %1$d".formatted(id));
                longest = Math.max(longest, System.nanoTime() - start);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return longest / 1_000_000;
    }

    @Test
    void withoutPgstattupleStatisticsDecide() {
        bloat("event");

        RunReport report = wire().run();

        assertThat(report.counts()).as(report.toString()).containsEntry("rebuilt", 1L);
        assertThat(db.value("select measured from segdiff.index_rebuilds")).isEqualTo("f");
    }

    @Test
    void indexThatPgstatindexFindsLeanIsNotRebuilt() {
        bloat("event");
        db.execute(
                "create schema tools",
                "create extension pgstattuple schema tools",
                "grant usage on schema tools to segdiff_worker");
        // A lie, by which the index should be a third of what it is.
        db.execute("reindex index event_id", "alter table event alter id set (n_distinct = 1)");
        IndexFixture.vacuum(db, "event");
        IndexFixture index = wire();
        assertThat(index.index("event_id").bloat()).isGreaterThan(2);

        RunReport report = index.run();

        assertThat(report.outcome()).as(report.toString()).isEqualTo(Outcome.SKIPPED);
        assertThat(report.counts()).containsEntry("refuted", 1L).doesNotContainKey("rebuilt");
        assertThat(index.job.goal().met()).as("what was measured is believed").isTrue();
        assertThat(index.run().counts()).as("for a while").doesNotContainKey("refuted");
        db.execute("update segdiff.index_rebuilds set ended_at = ended_at - interval '7 days'");
        assertThat(index.run().counts()).containsEntry("refuted", 1L);
    }

    @Test
    void estimateOfAFreshIndexCorrectsLaterEstimates() {
        db.execute(
                "create table event (id bigint not null)",
                "alter table event set (autovacuum_enabled = false)",
                // A lie, by which the index should be a third of what it is.
                "alter table event alter id set (n_distinct = 1)",
                "insert into event select generate_series(1, 40000)",
                "create index event_id on event (id)");
        IndexFixture.vacuum(db, "event");
        db.giveToWorker("event");
        IndexFixture index = wire("segdiff.index.rebuild-again-after", "1s");
        assertThat(index.run().counts()).containsEntry("rebuilt", 1L);
        db.execute("update segdiff.index_rebuilds set ended_at = ended_at - interval '1 hour'");

        assertThat(index.run().counts()).doesNotContainKey("rebuilt");
        assertThat(index.job.goal().met()).isTrue();
    }

    @Test
    void mostWastefulIndexesAreRebuiltFirstUpToTheLimit() {
        IndexFixture.bloat(db, "small", 10_000, 4);
        IndexFixture.bloat(db, "large", 20_000, 4);

        RunReport report = wire("segdiff.index.max-rebuilds", "1").run();

        assertThat(report.counts())
                .as(report.toString())
                .containsEntry("rebuilt", 1L)
                .containsEntry("skipped", 1L);
        assertThat(db.rows("select index_name, outcome from segdiff.index_rebuilds order by 1"))
                .containsExactly("public.large_id|rebuilt", "public.small_id|skipped");
        assertThat(report.problems()).anyMatch(p -> p.contains("public.small_id") && p.contains("max-rebuilds 1"));
    }

    @Test
    void rebuiltIndexIsNotRebuiltAgainSoon() {
        bloat("event");
        IndexFixture index = wire();
        index.run();
        db.execute("delete from event where id % 40 <> 0");
        IndexFixture.vacuum(db, "event");

        RunReport report = index.run();

        assertThat(report.outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(report.problems()).anyMatch(p -> p.contains("rebuilt 0 h ago") && p.contains("rebuild-again-after"));
        db.execute("update segdiff.index_rebuilds set ended_at = ended_at - interval '7 days'");
        assertThat(index.run().counts()).containsEntry("rebuilt", 1L);
    }

    @Test
    void outsideOfTheWindowNothingIsRebuilt() {
        bloat("event");
        LocalTime now = LocalTime.now(ZoneOffset.UTC);
        String window = now.plusHours(2).withSecond(0).withNano(0) + "-"
                + now.plusHours(4).withSecond(0).withNano(0);

        RunReport report = wire("segdiff.index.window", window).run();

        assertThat(report.outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(report.reason()).contains("outside of segdiff.index.window " + window);
    }

    @ParameterizedTest
    @CsvSource({
        "22:00-06:00, 23:00, true",
        "22:00-06:00, 05:59, true",
        "22:00-06:00, 06:00, false",
        "22:00-06:00, 12:00, false",
        "01:00-02:00, 01:00, true",
        "01:00-02:00, 02:00, false",
        "any, 12:00, true"
    })
    void windowMayPassMidnight(String window, String now, boolean open) {
        assertThat(new TimeWindow.FromText().convert(window).isOpen(LocalTime.parse(now)))
                .isEqualTo(open);
    }

    @ParameterizedTest
    @CsvSource({"140000, true", "140003, true", "140004, false", "150000, false", "180006, false"})
    void versionsThatCorruptAreRefused(int version, boolean refused) {
        assertThat(Obstacles.corrupts(version)).isEqualTo(refused);
    }

    @Test
    void indexWithoutRoomStays() {
        bloat("event");

        RunReport report = wire("segdiff.index.disk-space", "64kB").run();

        assertThat(report.outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(report.problems()).anyMatch(p -> p.contains("segdiff.index.disk-space 64 kB"));
        assertThat(db.rows("select outcome from segdiff.index_rebuilds")).containsExactly("skipped");
    }

    @Test
    void indexOfAnotherOwnerStaysAndIsReported() {
        bloat("event");
        db.execute("alter table event owner to current_user");

        RunReport report = wire().run();

        assertThat(report.outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(report.problems())
                .anyMatch(p -> p.contains("public.event_id stays bloated: role segdiff_worker may not"));
    }

    @Test
    void indexOfAnExclusionConstraintIsNeverRebuilt() {
        db.execute(
                "create table event (id int, exclude using btree (id with =))",
                "alter table event set (autovacuum_enabled = false)",
                "insert into event select generate_series(1, 40000)",
                "delete from event where id % 4 <> 0");
        IndexFixture.vacuum(db, "event");
        db.giveToWorker("event");

        RunReport report = wire().run();

        assertThat(report.outcome()).as(report.toString()).isEqualTo(Outcome.SKIPPED);
        assertThat(report.problems()).anyMatch(p -> p.contains("exclusion constraint"));
    }

    @Test
    void partitionedIndexIsRebuiltPartitionByPartition() {
        db.execute(
                "create table event (id bigint not null) partition by range (id)",
                "create table event_1 partition of event for values from (0) to (1000000) with (autovacuum_enabled = false)",
                "create index event_id on event (id)",
                "insert into event select generate_series(1, 40000)",
                "delete from event where id % 4 <> 0");
        IndexFixture.vacuum(db, "event");
        db.giveToWorker("event");

        RunReport report = wire().run();

        assertThat(report.counts()).as(report.toString()).containsEntry("rebuilt", 1L);
        assertThat(db.rows("select index_name from segdiff.index_rebuilds")).containsExactly("public.event_1_id_idx");
        assertThat(db.value("select indisvalid from pg_index where indexrelid = 'event_id'::regclass"))
                .isEqualTo("t");
    }

    @Test
    void indexBuildOfAnotherSessionIsNotDisturbed() throws SQLException {
        bloat("event");
        besideABuildIn(db, "table other");
    }

    @Test
    void buildInAnotherDatabaseSharesTheDisk() throws SQLException {
        bloat("event");
        TestDatabase another = new TestDatabase();
        another.create("template0");
        try {
            besideABuildIn(another, "database " + another.name());
        } finally {
            another.drop();
        }
    }

    private void besideABuildIn(TestDatabase database, String told) throws SQLException {
        database.execute("create table other (id int)");
        try (Connection writer = database.connect();
                Statement write = writer.createStatement()) {
            writer.setAutoCommit(false);
            write.execute("insert into other values (1)");
            CompletableFuture<Void> build =
                    CompletableFuture.runAsync(() -> database.execute("create index concurrently on other (id)"));
            Await.until(
                    "it is being built for a while", () -> database.value("""
                            select count(*) from pg_stat_progress_create_index p join pg_stat_activity a using (pid)
                            where p.datname = current_database() and a.query_start < now() - interval '2.1 s'
                            """).equals("1"));

            RunReport report = wire().run();

            assertThat(report.outcome()).isEqualTo(Outcome.SKIPPED);
            assertThat(report.problems())
                    .anyMatch(p -> p.contains("another index is being built: process ") && p.endsWith(told));
            writer.rollback();
            build.join();
        }
    }

    @Test
    void rebuildThatWouldWaitForAnOldTransactionIsNotBegun() throws SQLException {
        bloat("event");
        try (Connection old = db.connect();
                Statement transaction = old.createStatement()) {
            old.setAutoCommit(false);
            transaction.execute("create temporary table t (id int)");
            Await.until("it is older than a second", () -> db.value(
                            "select now() - xact_start > interval '1.1 s' from pg_stat_activity where state = 'idle in transaction' and datname = current_database()")
                    .equals("t"));

            RunReport report = wire("segdiff.index.max-wait", "1s").run();

            assertThat(report.problems()).anyMatch(p -> p.contains("would wait for the transaction of process"));
            assertThat(report.counts()).doesNotContainKey("rebuilt");
        }
    }

    @Test
    void rebuildGivesWayToASessionThatWaitsForTheTable() throws SQLException {
        bloat("event");
        try (Held held = new Held(SNAPSHOT)) {
            CompletableFuture<RunReport> run = held.runUntilItWaits(wire());

            db.execute("begin; set local lock_timeout = '1s'; lock table event in access exclusive mode; commit");

            held.close();
            assertThat(run.join().problems()).anyMatch(p -> p.contains("gives way to process"));
            assertThat(run.join().counts()).containsEntry("busy", 1L).containsEntry("leftovers_dropped", 1L);
        }
        assertThat(invalid()).isEmpty();
    }

    @Test
    void stoppedRunDropsItsUnfinishedIndex() throws SQLException {
        bloat("event");
        Cancellation cancellation = new Cancellation();
        IndexFixture index = wire();
        try (Held held = new Held(WRITER)) {
            CompletableFuture<RunReport> run =
                    held.untilItWaits(CompletableFuture.supplyAsync(() -> index.run(cancellation)));

            cancellation.request("SIGTERM");
            held.close();

            assertThat(run.join().outcome()).isEqualTo(Outcome.INTERRUPTED);
        }
        assertThat(invalid()).isEmpty();
    }

    @Test
    void rebuildThatTakesLongerThanAllowedEndsAndLeavesNothing() throws SQLException {
        bloat("event");
        try (Held held = new Held(SNAPSHOT)) {
            CompletableFuture<RunReport> run =
                    held.runUntilItWaits(wire("segdiff.index.statement-timeout", "1s", "segdiff.index.max-wait", "1m"));

            assertThat(run.join().problems())
                    .as(run.join().toString())
                    .anyMatch(p -> p.contains("public.event_id") && p.contains("statement timeout"));
            assertThat(run.join().counts()).containsEntry("busy", 1L).doesNotContainKey("rebuilt");
        }
        assertThat(invalid()).isEmpty();
        assertThat(db.rows("select outcome, clean from segdiff.index_rebuilds")).containsExactly("failed|t");
    }

    @Test
    void lostLeaseEndsTheRebuildAndTheNextRunDropsTheLeftover() throws SQLException {
        bloat("event");
        IndexFixture loser = wire("segdiff.lease-duration", "1s");
        try (Held held = new Held(SNAPSHOT)) {
            CompletableFuture<RunReport> run = held.runUntilItWaits(loser);
            Await.until("it is noted", () -> db.value("select new_oid is not null from segdiff.index_rebuilds")
                    .equals("t"));

            db.execute("update segdiff.leases set token = token + 1, holder = 'pod-2:1', expires_at = now()");

            assertThat(run.join().reason()).contains("lost the lease to pod-2:1");
        }
        assertThat(db.rows("select outcome is null, clean from segdiff.index_rebuilds"))
                .as("who lost the lease writes nothing more")
                .containsExactly("t|f");
        assertThat(invalid()).as("nor drops anything").containsExactly("event_id_ccnew");

        RunReport next = wire().run();

        assertThat(next.counts())
                .as(next.toString())
                .containsEntry("leftovers_dropped", 1L)
                .containsEntry("rebuilt", 1L);
        assertThat(invalid()).isEmpty();
    }

    @Test
    void dryRunThatIsStoppedDropsNothing() throws SQLException {
        bloat("event");
        IndexFixture index = wire();
        terminate(index, SNAPSHOT, true);

        index.unfinishedBuilds.dropAtLast(new RunContext(1, index.dryRunRequest(), new Cancellation()));

        assertThat(invalid()).containsExactly("event_id_ccnew");
    }

    @Test
    void rebuildsOlderThanAYearAreForgotten() {
        db.execute("""
                insert into segdiff.index_rebuilds
                    (run_id, index_oid, index_name, table_oid, table_name, started_at, ended_at, outcome, bytes_before, bloat_before, measured, clean)
                select 1, 1, name, 1, 'gone', now() - age::interval, now(), 'rebuilt', 1, 1, true, clean
                from (values ('old', '13 months', true), ('young', '11 months', true)) v (name, age, clean)
                """);

        wire().run();

        assertThat(db.rows("select index_name from segdiff.index_rebuilds")).containsExactly("young");
    }

    @ParameterizedTest
    @CsvSource({
        WRITER + ", event_id_ccnew, false",
        SNAPSHOT + ", event_id_ccnew, true",
        READER + ", event_id_ccold, true"
    })
    void nextRunDropsTheLeftoverOfATerminatedRebuild(String before, String leftover, boolean noted)
            throws SQLException {
        bloat("event");
        IndexFixture index = wire();
        terminate(index, before, noted);
        assertThat(invalid()).containsExactly(leftover);

        RunReport next = index.run();

        assertThat(next.counts()).as(next.toString()).containsEntry("leftovers_dropped", 1L);
        assertThat(invalid()).isEmpty();
        assertThat(index.index("event_id").bloat()).isLessThan(1.1);
        assertThat(db.value("select outcome || clean from segdiff.index_rebuilds order by rebuild_id limit 1"))
                .isEqualTo("cut_offtrue");
    }

    @ParameterizedTest
    @CsvSource({WRITER + ", false", SNAPSHOT + ", true"})
    void onlyOwnInvalidIndexesCountAsLeftovers(String before, boolean noted) throws SQLException {
        bloat("event");
        IndexFixture index = wire();
        foreignInvalid("event_id_ccnew");
        terminate(index, before, noted);
        foreignInvalid("event_other_ccnew");
        assertThat(invalid()).containsExactlyInAnyOrder("event_id_ccnew", "event_id_ccnew1", "event_other_ccnew");

        index.run();

        assertThat(invalid()).containsExactlyInAnyOrder("event_id_ccnew", "event_other_ccnew");
    }

    private void terminate(IndexFixture index, String before, boolean noted) throws SQLException {
        try (Held held = new Held(before)) {
            CompletableFuture<RunReport> run = held.runUntilItWaits(index);
            if (noted) {
                Await.until("it is noted", () -> db.value("select new_oid is not null from segdiff.index_rebuilds")
                        .equals("t"));
            }
            db.execute(
                    "select pg_terminate_backend(pid) from pg_stat_progress_create_index where datname = current_database()");
            assertThat(run.join().outcome()).as(run.join().toString()).isEqualTo(Outcome.INTERRUPTED);
        }
    }

    @Test
    void invalidIndexOfSomebodyElseIsReportedAndStays() {
        bloat("event");
        foreignInvalid("event_id_ccnew");
        IndexFixture index = wire();

        index.run();

        assertThat(invalid()).containsExactly("event_id_ccnew");
        Goal goal = index.job.goal();
        assertThat(goal.met()).isFalse();
        assertThat(goal.problems()).anyMatch(p -> p.contains("public.event_id_ccnew is invalid"));
        assertThat(goal.measure("indexes_invalid")).hasValue(1);
    }

    @Test
    void dryRunTellsAndChangesNothing() {
        bloat("event");
        String before = db.value("select relfilenode from pg_class where relname = 'event_id'");

        RunReport report = wire().dryRun();

        assertThat(report.statements()).contains("reindex index concurrently \"public\".\"event_id\"");
        assertThat(db.value("select relfilenode from pg_class where relname = 'event_id'"))
                .isEqualTo(before);
        assertThat(db.rows("select * from segdiff.index_rebuilds")).isEmpty();
    }

    @Test
    void goalIsMissedByABloatedIndexAndMetAfterItsRebuild() {
        bloat("event");
        IndexFixture index = wire();
        Goal missed = index.job.goal();
        assertThat(missed.met()).isFalse();
        assertThat(missed.measure("indexes_bloated")).hasValue(1);
        assertThat(missed.problems()).anyMatch(p -> p.matches("index public.event_id has 3\\.\\d times the pages.*"));

        index.run();

        assertThat(index.job.goal().met()).isTrue();
    }

    private java.util.List<String> invalid() {
        return db.rows("select indexrelid::regclass from pg_index where not indisvalid order by 1");
    }

    /** As a build of somebody else leaves it. */
    private void foreignInvalid(String name) {
        db.execute(
                "create index %s on event (id)".formatted(name),
                "update pg_index set indisvalid = false where indexrelid = '%s'::regclass".formatted(name));
    }

    /** A transaction that a rebuild has to wait for. */
    private final class Held implements AutoCloseable {
        private final Connection connection = db.connect();

        Held(String statement) throws SQLException {
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            connection.createStatement().execute(statement);
        }

        CompletableFuture<RunReport> runUntilItWaits(IndexFixture index) {
            return untilItWaits(CompletableFuture.supplyAsync(index::run));
        }

        CompletableFuture<RunReport> untilItWaits(CompletableFuture<RunReport> run) {
            Await.until("it waits", () -> run.isDone() || !db.rows("""
                    select from pg_stat_progress_create_index where datname = current_database() and phase like 'waiting for%'
                    """).isEmpty());
            return run;
        }

        @Override
        public void close() throws SQLException {
            connection.close();
        }
    }
}
