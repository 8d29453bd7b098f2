package dev.segdiff.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.Await;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** What keeps an index from being rebuilt, and to whom a rebuild gives way. */
class RebuildObstaclesTest extends RebuildFixture {
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
}
