package dev.segdiff.segment;

import static dev.segdiff.segment.SegmentFixture.DAY;
import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.TableName;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunOrigin;
import dev.segdiff.run.RunReport;
import dev.segdiff.run.RunRequest;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Workers beside workers, and workers that end early. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SegmentDiffWorkersTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @Test
    void processesSideBySideShareTheSegmentsAndEachIsDoneOnce() {
        SegmentFixture segments = new SegmentFixture(db);
        db.execute(
                "create table shared (customer_id bigint, segment_id bigint, contact_id bigint)",
                "insert into shared select 7, s, c from generate_series(1, 60) s, generate_series(1, 20) c");
        IntStream.rangeClosed(1, 60)
                .forEach(s -> segments.registry.add(new SegmentKey(7, s), TableName.parse("shared")));

        List<CompletableFuture<RunReport>> runs = IntStream.range(0, 4)
                .mapToObj(i -> CompletableFuture.supplyAsync(() -> new SegmentFixture(db).run(DAY)))
                .toList();
        long published = runs.stream()
                .map(CompletableFuture::join)
                .peek(report -> assertThat(report.outcome()).isIn(Outcome.SUCCEEDED, Outcome.SKIPPED))
                .mapToLong(report -> report.counts().getOrDefault("published", 0L))
                .sum();

        assertThat(published).isEqualTo(60);
        assertThat(db.value("select count(*), count(distinct segment_id) from segdiff.segment_versions"))
                .isEqualTo("60|60");
    }

    @Test
    void segmentHeldByAnotherWorkerIsLeftToIt() throws SQLException {
        SegmentFixture segments = new SegmentFixture(db);
        segments.segment(1, 1);
        segments.segment(2, 1);
        try (Connection other = db.connect()) {
            other.setAutoCommit(false);
            TestDatabase.rows(other, "select * from segdiff.segment_states where segment_id = 1 for update");

            RunReport report = segments.run(DAY);

            assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
            assertThat(report.counts()).containsEntry("published", 1L).containsEntry("elsewhere", 1L);
            assertThat(report.reason()).contains("others work on: 1");
        }
    }

    @Test
    void cancelledRunEndsWithinAStatementAndTheNextDoesTheRest() {
        SegmentFixture segments = new SegmentFixture(db, "segdiff.segments.parallelism", "1");
        SegmentKey first = segments.segment(1, 1);
        db.execute("create view slow as select 1 as contact_id from pg_sleep(600)");
        segments.registry.add(new SegmentKey(7, 2), TableName.parse("slow"));
        Cancellation cancellation = new Cancellation();
        CompletableFuture<RunReport> run =
                CompletableFuture.supplyAsync(() -> segments.run(SegmentFixture.request(DAY), cancellation));
        awaitStatement("%pg_sleep%' or query like '%slow%");

        cancellation.request("SIGTERM");

        assertThat(run.join().outcome()).isEqualTo(Outcome.INTERRUPTED);
        assertThat(run.join().reason()).isEqualTo("SIGTERM");
        assertThat(segments.members(first)).containsExactly("1");
        db.execute("create or replace view slow as select 1 as contact_id");
        assertThat(segments.run(DAY).counts()).containsEntry("published", 1L);
    }

    @Test
    void timeBudgetEndsARun() {
        SegmentFixture segments = new SegmentFixture(db);
        db.execute("create view slow as select 1 as contact_id from pg_sleep(600)");
        segments.registry.add(new SegmentKey(7, 1), TableName.parse("slow"));

        RunReport report =
                segments.run(new RunRequest(RunOrigin.COMMAND, DAY, false, false, List.of(), Duration.ofMillis(300)));

        assertThat(report.outcome()).isEqualTo(Outcome.INTERRUPTED);
        assertThat(report.reason()).contains("time budget");
    }

    @Test
    void terminatedSessionIsReplacedAndTheSegmentStillPublished() {
        SegmentFixture segments = new SegmentFixture(db);
        db.execute(
                "create sequence tries",
                // The first read takes its own session down, as an administrator or a failover would.
                """
                create function fragile() returns bigint language plpgsql as $$
                begin
                    if nextval('tries') = 1 then perform pg_terminate_backend(pg_backend_pid()); end if;
                    return 5;
                end $$
                """,
                "create view fragile_source as select fragile() as contact_id");
        SegmentKey key = new SegmentKey(7, 1);
        segments.registry.add(key, TableName.parse("fragile_source"));

        assertThat(segments.run(DAY).outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(segments.members(key)).containsExactly("5");
    }

    @Test
    void segmentsDueForLongestComeFirst() {
        SegmentFixture segments = new SegmentFixture(db, "segdiff.segments.parallelism", "1");
        segments.segment(1, 1);
        segments.run(DAY);
        segments.segment(2, 1);
        segments.run(DAY.plusDays(1));
        db.execute("update segdiff.segment_states set day = '2026-02-01' where segment_id = 2");

        segments.run(DAY.plusDays(2));

        assertThat(db.rows("select segment_id from segdiff.segment_versions where day = '2026-03-03' order by version"))
                .containsExactly("2", "1");
    }

    private void awaitStatement(String like) {
        while (db.value("select count(*) from pg_stat_activity where datname = current_database()"
                        + " and pid <> pg_backend_pid() and state = 'active' and (query like '" + like + "')")
                .equals("0")) {
            Thread.onSpinWait();
        }
    }
}
