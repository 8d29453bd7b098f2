package dev.segdiff.segment;

import static dev.segdiff.segment.SegmentFixture.DAY;
import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.Await;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class DiffPartitionsTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private List<String> partitions() {
        return db.rows("""
                select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
                where i.inhparent = 'segdiff.segment_diffs'::regclass order by 1
                """);
    }

    @Test
    void partitionsAreMadeAheadOnce() {
        SegmentFixture segments = new SegmentFixture(db);

        segments.partitions.prepare(DAY);
        segments.partitions.prepare(DAY.plusDays(30));

        assertThat(partitions()).containsExactly("segment_diffs_2026_03", "segment_diffs_2026_04");
    }

    @Test
    void workersThatStartTogetherDoNotCollide() {
        Stream.generate(() -> CompletableFuture.runAsync(() -> new SegmentFixture(db).partitions.prepare(DAY)))
                .limit(8)
                .toList()
                .forEach(CompletableFuture::join);

        assertThat(partitions()).containsExactly("segment_diffs_2026_03", "segment_diffs_2026_04");
    }

    @Test
    void aContactCannotJoinAVersionTwice() {
        SegmentFixture segments = new SegmentFixture(db);
        segments.partitions.prepare(DAY);

        assertThat(db.rows("select indexdef from pg_indexes where tablename = 'segment_diffs_2026_03'"))
                .singleElement()
                .asString()
                .contains("UNIQUE", "(version, contact_id)");
    }

    @Test
    void readersOlderThanTheRetainedDiffsGetAllMembersAndNeverAPartOfTheChanges() {
        SegmentFixture segments = new SegmentFixture(db, "segdiff.segments.diff-retention", "30d");
        SegmentKey key = segments.segment(1, 1);
        long[] versions = new long[5];
        for (int i = 0; i < 5; i++) {
            segments.contacts(key, i, 100);
            segments.run(DAY.plusDays(20L * i));
            versions[i] = segments.version(key);
        }

        // The last run was for day 80: days before 50 are gone, but for the newest of them, from which diffs start.
        assertThat(segments.registry.versions(key, 9).stream().map(SegmentVersion::version))
                .containsExactly(versions[4], versions[3], versions[2]);
        for (int i = 0; i < 5; i++) {
            assertThat(db.value("select bool_and(complete) from segdiff.read_segment(7, 1, %d)".formatted(versions[i])))
                    .as("version %d", i)
                    .isEqualTo(i < 2 ? "t" : "f");
        }
        assertThat(partitions()).first().isEqualTo("segment_diffs_2026_04");
    }

    /** What a wrong day of the program would do: the database takes the retention from its own date as well. */
    @Test
    void horizonInTheFutureTakesNothingThatIsInsideTheRetention() {
        SegmentFixture segments = new SegmentFixture(db);
        LocalDate today = LocalDate.now(java.time.ZoneOffset.UTC);
        segments.partitions.prepare(today);
        SegmentKey key = segments.segment(1, 1, 2);
        segments.run(today.minusDays(1));
        segments.contacts(key, 1, 2, 3);
        segments.run(today);

        assertThat(segments.retention.dropBefore(LocalDate.of(2999, 1, 1), Duration.ofDays(90)))
                .isZero();
        assertThat(segments.registry.versions(key, 9)).hasSize(2);
    }

    @Test
    void segmentWithoutNewVersionsKeepsItsCurrentOneForEver() {
        SegmentFixture segments = new SegmentFixture(db, "segdiff.segments.diff-retention", "30d");
        SegmentKey key = new SegmentKey(7, 1);
        segments.registry.add(key, null);
        segments.upload.load(
                new SegmentUpload.Upload(key, new java.io.StringReader("1\n2\n"), DAY, false),
                new dev.segdiff.db.Cancellation());
        segments.run(DAY.plusYears(2));

        assertThat(db.rows("select complete from segdiff.read_segment(7, 1, %d)".formatted(segments.version(key))))
                .containsExactly("f");
    }

    /** Two workers end together: the second one has listed the partition before the first one has dropped it. */
    @Test
    void partitionThatAnotherWorkerDropsIsNoFailure() throws Exception {
        SegmentFixture segments = new SegmentFixture(db);
        segments.partitions.prepare(LocalDate.of(2024, 1, 1));
        try (Connection other = db.connect()) {
            other.setAutoCommit(false);
            TestDatabase.rows(other, "select pg_advisory_xact_lock(hashtext('segdiff.segment_diffs'))");
            TestDatabase.rows(other, "select segdiff.drop_diffs('segdiff.segment_diffs_2024_01')");
            CompletableFuture<Long> dropped = CompletableFuture.supplyAsync(
                    () -> segments.retention.dropBefore(LocalDate.of(2024, 2, 1), Duration.ofDays(90)));
            Await.until("it waits", () -> db.value("select count(*) from pg_locks l join pg_database d"
                            + " on d.oid = l.database and d.datname = current_database() where not l.granted")
                    .equals("1"));
            other.commit();

            assertThat(dropped.get()).isZero();
        }
    }

    @Test
    void partitionThatIsBeingReadIsLeftToTheNextRun() throws SQLException {
        SegmentFixture segments = new SegmentFixture(db);
        segments.segment(1, 1);
        segments.run(DAY);
        try (Connection reader = db.connect()) {
            reader.setAutoCommit(false);
            TestDatabase.rows(reader, "select * from segdiff.segment_diffs");

            RunReport report = segments.run(DAY.plusYears(1));

            assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
            assertThat(report.problems()).singleElement().asString().contains("old diffs are being read");
            reader.rollback();
        }
        assertThat(segments.run(DAY.plusYears(1).plusDays(1)).counts()).containsEntry("partitions_dropped", 2L);
    }

    @Test
    void diffsAreKeptWhileTheSnapshotThatStandsInForThemIsMissing() {
        SegmentFixture segments = new SegmentFixture(db);
        SegmentKey lost = segments.segment(1, 1);
        segments.segment(2, 2);
        segments.run(DAY);
        db.execute("drop table " + lost.snapshot(segments.version(lost)));

        RunReport report = segments.run(DAY.plusYears(1));

        assertThat(report.problems()).anyMatch(line -> line.contains("old diffs are kept") && line.contains("7/1"));
        assertThat(partitions()).contains("segment_diffs_2026_03");
        segments.run(SegmentFixture.accepting(DAY.plusYears(1), "7/1"));
        assertThat(partitions()).doesNotContain("segment_diffs_2026_03");
    }
}
