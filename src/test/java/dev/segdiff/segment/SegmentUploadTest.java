package dev.segdiff.segment;

import static dev.segdiff.segment.SegmentFixture.DAY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.run.Outcome;
import dev.segdiff.segment.SegmentUpload.Loaded;
import dev.segdiff.support.TestDatabase;
import java.io.StringReader;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class SegmentUploadTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    final SegmentKey key = new SegmentKey(7, 1);

    @SuppressWarnings("NullAway.Init")
    SegmentFixture segments;

    @BeforeEach
    void register() {
        segments = new SegmentFixture(db);
        segments.registry.add(key, null);
    }

    private Loaded load(String text, boolean accept) {
        return segments.upload.load(
                new SegmentUpload.Upload(key, new StringReader(text), DAY, accept), new Cancellation());
    }

    private static String lines(long from, long to) {
        return LongStream.rangeClosed(from, to).mapToObj(Long::toString).collect(Collectors.joining("\n"));
    }

    @Test
    void eachLoadPublishesAVersion() {
        load("1\n2\n", false);
        Loaded second = load("2\n3\n3\n", false);

        assertThat(second).satisfies(loaded -> {
            assertThat(loaded.contacts()).isEqualTo(2);
            assertThat(loaded.added()).isEqualTo(1);
            assertThat(loaded.removed()).isEqualTo(1);
        });
        assertThat(segments.members(key)).containsExactly("2", "3");
        assertThat(segments.diffs(key)).containsExactly("2026-03-01|1|f", "2026-03-01|3|t");
    }

    @Test
    void lostSnapshotIsToldWithTheCommandThatHelps() {
        load("1\n2\n", false);
        db.execute("drop table " + key.snapshot(segments.version(key)));

        assertThatThrownBy(() -> load("1\n", false)).hasMessageContaining("`segdiff segments load --accept 7 1`");
        load("1\n", true);
        assertThat(segments.members(key)).containsExactly("1");
    }

    @Test
    void largeLoadsArriveWhole() {
        load(lines(1, 120_000), false);
        load(lines(2, 120_001), false);

        assertThat(db.value("select count(*), min(contact_id), max(contact_id) from "
                        + key.snapshot(segments.version(key))))
                .isEqualTo("120000|2|120001");
    }

    @Test
    void badLineIsRefusedWithItsNumberAndNothingIsKept() {
        load("1\n", false);
        long version = segments.version(key);

        assertThatThrownBy(() -> load("2\n\n3\nfour\n5\n", false))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("line 4")
                .hasMessageContaining("'four'");

        assertThat(segments.version(key)).isEqualTo(version);
        assertThat(segments.members(key)).containsExactly("1");
    }

    @Test
    void loadThatWouldRemoveTooManyIsHeldBackUnlessAccepted() {
        load(lines(1, 5_000), false);

        assertThat(load(lines(1, 3_000), false).heldBack()).isTrue();
        assertThat(segments.members(key)).hasSize(5_000);

        assertThat(load(lines(1, 3_000), true).heldBack()).isFalse();
        assertThat(segments.members(key)).hasSize(3_000);
    }

    @Test
    void emptyFileIsHeldBackUnlessAccepted() {
        load(lines(1, 500), false);

        assertThat(load("", false).heldBack()).isTrue();
        assertThat(segments.members(key)).hasSize(500);
        assertThat(load("", true).heldBack()).isFalse();
        assertThat(segments.members(key)).isEmpty();
    }

    @Test
    void segmentsWithASourceTakeNoUploads() {
        SegmentKey sourced = segments.segment(2, 1);

        assertThatThrownBy(() -> segments.upload.load(
                        new SegmentUpload.Upload(sourced, new StringReader("1"), DAY, false), new Cancellation()))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("is read from its source");
    }

    @Test
    void uploadSegmentsAreNeverDue() {
        load("1\n", false);

        assertThat(segments.run(DAY.plusDays(1)).outcome()).isEqualTo(Outcome.SKIPPED);
    }

    @Test
    void emptyInputIsAnEmptySegment() {
        assertThat(load("", false).contacts()).isZero();
        assertThat(segments.members(key)).isEmpty();
    }
}
