package dev.segdiff.segment;

import static dev.segdiff.segment.SegmentFixture.DAY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class SegmentReadersTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @SuppressWarnings("NullAway.Init")
    SegmentFixture segments;

    @BeforeEach
    void wire() {
        segments = new SegmentFixture(db);
    }

    /** Publishes a version a day with these contacts, and answers the versions. */
    private long[] history(SegmentKey key, long[]... days) {
        long[] versions = new long[days.length];
        for (int i = 0; i < days.length; i++) {
            segments.contacts(key, days[i]);
            segments.run(DAY.plusDays(i));
            versions[i] = segments.version(key);
        }
        return versions;
    }

    private static long[] contacts(long... ids) {
        return ids;
    }

    @Test
    void netChangesLeaveOutContactsAddedAndRemovedAgain() {
        SegmentKey key = segments.segment(1);
        long[] v = history(key, contacts(1, 2), contacts(2, 3), contacts(1, 2, 4));

        assertThat(db.rows("select * from segdiff.net_changes(7, 1, %d, %d) order by 1".formatted(v[0], v[2])))
                .containsExactly("4|t");
        assertThat(db.rows("select * from segdiff.net_changes(7, 1, %d, %d) order by 1".formatted(v[1], v[2])))
                .containsExactly("1|t", "3|f", "4|t");
        assertThat(db.rows("select * from segdiff.net_changes(7, 1, %d, %d) order by 1".formatted(v[2], v[1])))
                .containsExactly("1|f", "3|t", "4|f");
        assertThat(db.rows("select * from segdiff.net_changes(7, 1, %d, %d)".formatted(v[1], v[1])))
                .isEmpty();
    }

    @Test
    void netChangesOfUnknownVersionsAreAnErrorNotAnEmptyAnswer() {
        SegmentKey key = segments.segment(1);
        long[] v = history(key, contacts(1), contacts(2));

        assertThatThrownBy(() -> db.rows("select * from segdiff.net_changes(7, 1, %d, %d)".formatted(v[0], v[1] + 99)))
                .rootCause()
                .hasMessageContaining("has no diffs between versions");
        assertThatThrownBy(() -> db.rows("select * from segdiff.net_changes(7, 1, null, %d)".formatted(v[1])))
                .rootCause()
                .hasMessageContaining("has no diffs between versions null");
    }

    @Test
    void firstReadGivesAllMembersFlaggedAsComplete() {
        SegmentKey key = segments.segment(1);
        long[] v = history(key, contacts(1, 2), contacts(2, 3));

        assertThat(db.rows("select * from segdiff.read_segment(7, 1)"))
                .startsWith(v[1] + "|t||")
                .containsExactlyInAnyOrder(v[1] + "|t||", v[1] + "|t|2|t", v[1] + "|t|3|t");
    }

    @Test
    void laterReadGivesChangesAndTheVersionToRemember() {
        SegmentKey key = segments.segment(1);
        long[] v = history(key, contacts(1, 2), contacts(2, 3));

        assertThat(db.rows("select * from segdiff.read_segment(7, 1, %d)".formatted(v[0])))
                .startsWith(v[1] + "|f||")
                .containsExactlyInAnyOrder(v[1] + "|f||", v[1] + "|f|1|f", v[1] + "|f|3|t");
        assertThat(db.rows("select * from segdiff.read_segment(7, 1, %d)".formatted(v[1])))
                .containsExactly(v[1] + "|f||");
    }

    @Test
    void readerOfAnUnknownVersionOrRemovedSegmentGetsAllMembers() {
        SegmentKey key = segments.segment(1);
        long[] before = history(key, contacts(1), contacts(2));
        segments.registry.remove(key);
        segments.registry.add(key, new TableName("public", "source_1"));
        segments.contacts(key, 5);
        segments.run(DAY.plusDays(2));

        for (long since : new long[] {0, before[0], before[1], Long.MAX_VALUE}) {
            assertThat(db.rows("select complete, contact_id from segdiff.read_segment(7, 1, %d)".formatted(since)))
                    .containsExactly("t|", "t|5");
        }
        assertThat(segments.diffs(key)).isEmpty();
    }

    @Test
    void segmentWithoutVersionGivesNoRowAndAnUnknownOneAnError() {
        segments.segment(1);

        assertThat(db.rows("select * from segdiff.read_segment(7, 1)")).isEmpty();
        assertThatThrownBy(() -> db.rows("select * from segdiff.read_segment(7, 99)"))
                .rootCause()
                .hasMessageContaining("segment 7/99 is not registered");
    }

    @Test
    void membersOfAnEarlierVersionAreToldBackFromTheSnapshot() {
        SegmentKey key = segments.segment(1);
        long[] v = history(key, contacts(1, 2), contacts(2, 3), contacts(1, 2, 4));

        assertThat(db.rows("select * from segdiff.members(7, 1, %d) order by 1".formatted(v[0])))
                .containsExactly("1", "2");
        assertThat(db.rows("select * from segdiff.members(7, 1, %d) order by 1".formatted(v[1])))
                .containsExactly("2", "3");
        assertThat(db.rows("select * from segdiff.members(7, 1) order by 1")).containsExactly("1", "2", "4");
    }

    @Test
    void readingMarksTheSegmentAsUsed() {
        SegmentKey key = segments.segment(1);
        history(key, contacts(1));
        for (String read : List.of(
                "select * from segdiff.read_segment(7, 1)",
                "select * from segdiff.members(7, 1)",
                "select segdiff.use_segment(7, 1)",
                "select * from segdiff.net_changes(7, 1, %1$d, %1$d)".formatted(segments.version(key)))) {
            db.execute("update segdiff.segments set last_used_at = now() - interval '35 days'");

            db.rows(read);

            assertThat(db.value("select now() - last_used_at < interval '1 minute' from segdiff.segments"))
                    .as(read)
                    .isEqualTo("t");
        }
    }

    @Test
    void readOnlyReadersAreServedThoughNotRecorded() throws SQLException {
        history(segments.segment(1), contacts(1));
        try (Connection reader = db.connect()) {
            reader.setReadOnly(true);

            assertThat(TestDatabase.rows(reader, "select contact_id from segdiff.read_segment(7, 1)"))
                    .containsExactly("", "1");
        }
    }

    @Test
    void applicationRegistersAndUsesASegmentWithOneCall() {
        db.execute("create table audience (contact_id bigint)", "insert into audience values (1)");

        assertThat(db.value("select segdiff.use_segment(9, 8, 'public.audience')"))
                .isEmpty();
        segments.run(DAY);

        assertThat(db.value("select segdiff.use_segment(customer_id => 9, segment_id => 8)"))
                .isEqualTo(String.valueOf(segments.version(new SegmentKey(9, 8))));
        assertThatThrownBy(() -> db.rows("select segdiff.use_segment(9, 9)"))
                .rootCause()
                .hasMessageContaining("not registered");
        assertThatThrownBy(() -> db.rows("select segdiff.use_segment(9, 9, 'public.nothing')"))
                .rootCause()
                .hasMessageContaining("source public.nothing does not exist");
        assertThatThrownBy(() -> db.rows("select segdiff.use_segment(9, 8, 'public.other')"))
                .rootCause()
                .hasMessageContaining("registered with source public.audience");
    }

    @Test
    void missingSnapshotIsAnErrorThatNamesTheSegment() {
        SegmentKey key = segments.segment(1);
        history(key, contacts(1));
        db.execute("drop table " + key.snapshot(segments.version(key)));

        assertThatThrownBy(() -> db.rows("select * from segdiff.read_segment(7, 1)"))
                .rootCause()
                .hasMessageContaining("the snapshot table of segment 7/1 is missing");
    }

    @Test
    void repeatableReadSeesItsOwnVersionWhileTheNextIsPublished() throws SQLException {
        SegmentKey key = segments.segment(1);
        long[] v = history(key, contacts(1, 2));
        try (Connection reader = db.connect()) {
            reader.setAutoCommit(false);
            reader.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            TestDatabase.rows(reader, "select 1");
            segments.contacts(key, 2, 3);
            segments.run(DAY.plusDays(1));

            assertThat(TestDatabase.rows(
                            reader, "select version, contact_id from segdiff.read_segment(7, 1) order by 2"))
                    .containsExactly(v[0] + "|1", v[0] + "|2", v[0] + "|");
        }
    }

    @Test
    void longReaderHoldsUpOnlyItsOwnSegmentAndIsNotDisturbed() throws SQLException {
        SegmentKey read = segments.segment(1, 1);
        SegmentKey other = segments.segment(2, 1);
        segments.run(DAY);
        try (Connection reader = db.connect()) {
            reader.setAutoCommit(false);
            TestDatabase.rows(reader, "select * from segdiff.read_segment(7, 1)");

            RunReport report = segments.run(DAY.plusDays(1));

            assertThat(report.outcome()).isEqualTo(Outcome.INTERRUPTED);
            assertThat(report.problems()).singleElement().asString().contains("7/1", "busy", "lock timeout");
            assertThat(segments.registry.show(other).day()).isEqualTo(DAY.plusDays(1));
            assertThat(TestDatabase.rows(reader, "select contact_id from segdiff.read_segment(7, 1)"))
                    .containsExactly("", "1");
            reader.commit();
        }
        assertThat(segments.run(DAY.plusDays(1)).outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(segments.registry.show(read).day()).isEqualTo(DAY.plusDays(1));
    }

    @Test
    void readersBesidePublishersNeverGetAnErrorOrAMixture() {
        SegmentKey key = segments.segment(1);
        // Every contact of a version leaves with the next: a mixture would show.
        history(key, contacts(0, 10, 20));
        AtomicBoolean done = new AtomicBoolean();
        List<CompletableFuture<Integer>> readers = java.util.stream.Stream.of(
                        "select version, contact_id %% 10 as generation from segdiff.read_segment(7, 1)",
                        "select 0 as version, contact_id %% 10 as generation from segdiff.members(7, 1)")
                .map(sql -> CompletableFuture.supplyAsync(() -> readUntil(done, sql.replace("%%", "%"))))
                .toList();

        for (int i = 1; i <= 40; i++) {
            segments.contacts(key, i % 10, 10 + i % 10, 20 + i % 10);
            RunRequest forced =
                    new RunRequest(RunOrigin.COMMAND, DAY, true, false, List.of("7/1"), Duration.ofMinutes(5));
            assertThat(segments.run(forced).outcome()).isEqualTo(Outcome.SUCCEEDED);
        }
        done.set(true);

        assertThat(readers).allSatisfy(reads -> assertThat(reads.join()).isPositive());
    }

    private int readUntil(AtomicBoolean done, String sql) {
        int reads = 0;
        try (Connection reader = db.connect()) {
            while (!done.get()) {
                List<String> seen = TestDatabase.rows(
                        reader,
                        "select count(distinct version), count(distinct generation), count(generation) from (%s) r"
                                .formatted(sql));
                assertThat(seen).containsExactly("1|1|3");
                reads++;
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return reads;
    }
}
