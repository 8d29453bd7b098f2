package dev.segdiff.segment;

import static dev.segdiff.segment.SegmentFixture.DAY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Versions that would remove too many contacts. */
class HeldBackVersionsTest extends DiffFixture {
    @Test
    void versionThatWouldRemoveTooManyIsHeldBackAndLetThroughOnce() {
        segments = new SegmentFixture(db, "segdiff.segments.max-removed-floor", "0");
        SegmentKey key = segments.segment(1, LongStream.rangeClosed(1, 10).toArray());
        segments.run(DAY);
        segments.contacts(key, 1, 2, 3, 4, 5, 6, 7);

        RunReport refused = segments.run(DAY.plusDays(1));

        assertThat(refused.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(refused.problems()).singleElement().asString().contains("7/1", "3 of 10", "30.0%");
        assertThat(segments.members(key)).hasSize(10);
        assertThat(segments.registry.show(key).problem()).contains("held_back", "3 of 10");
        assertThat(segments.job.goal().measure("segments_held_back")).hasValue(1);

        RunReport accepted = segments.run(SegmentFixture.accepting(DAY.plusDays(1), "7/1"));

        assertThat(accepted.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(segments.members(key)).hasSize(7);
        assertThat(segments.registry.show(key).problem()).isNull();

        segments.contacts(key, 1);
        assertThat(segments.run(DAY.plusDays(2)).outcome()).isEqualTo(Outcome.REFUSED);
    }

    @Test
    void exactlyTheAllowedShareMayLeave() {
        segments = new SegmentFixture(db, "segdiff.segments.max-removed-floor", "0");
        SegmentKey key = segments.segment(1, LongStream.rangeClosed(1, 10).toArray());
        segments.run(DAY);
        segments.contacts(key, LongStream.rangeClosed(1, 8).toArray());

        assertThat(segments.run(DAY.plusDays(1)).outcome()).isEqualTo(Outcome.SUCCEEDED);
    }

    /** Half of a small segment may leave, up to 1,000; in a large one the share of 20 % is more than that. */
    @ParameterizedTest
    @CsvSource({"1, 0", "2, 1", "3, 2", "10, 5", "900, 450", "1500, 750", "4000, 1000", "10000, 2000"})
    void halfOfASmallSegmentMayLeaveAndOneMoreIsHeldBack(int contacts, int allowed) {
        SegmentKey key = segments.segment(1, LongStream.rangeClosed(1, contacts).toArray());
        segments.run(DAY);
        segments.contacts(key, LongStream.rangeClosed(1, contacts - allowed - 1).toArray());

        assertThat(segments.run(DAY.plusDays(1)).outcome()).isEqualTo(Outcome.REFUSED);

        segments.contacts(key, LongStream.rangeClosed(1, contacts - allowed).toArray());
        assertThat(segments.run(DAY.plusDays(1)).outcome()).isEqualTo(Outcome.SUCCEEDED);
    }

    @Test
    void lossOfAllMembersIsHeldBackEvenIfOthersJoin() {
        SegmentKey key = segments.segment(1, 1);
        segments.run(DAY);
        segments.contacts(key, 2, 3, 4);

        RunReport report = segments.run(DAY.plusDays(1));

        assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(report.problems()).singleElement().asString().contains("1 of 1 contacts would leave");
        assertThat(segments.members(key)).containsExactly("1");
    }

    @Test
    void malformedAcceptIsRefusedBeforeAnythingIsTouched() {
        segments.segment(1, 1);

        assertThatThrownBy(() -> segments.run(SegmentFixture.accepting(DAY, "seven/1")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("CUSTOMER/SEGMENT");
        assertThat(db.rows("select * from segdiff.runs")).isEmpty();
    }
}
