package dev.segdiff.segment;

import static dev.segdiff.segment.SegmentFixture.DAY;
import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.db.TableName;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sources and snapshots that fail, and what others notice of it. */
class FaultySourcesTest extends DiffFixture {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "drop table source_1; | source public.source_1 does not exist",
                "alter table source_1 rename contact_id to id; | has no column contact_id",
                "alter table source_1 alter contact_id type text; | is text, expected bigint",
                "insert into source_1 values (null); | source public.source_1 yields contact_id null",
                "alter table source_1 rename to t; create view source_1 as select 1 / (contact_id - 3) as contact_id from t; | division by zero",
            })
    void faultySourceFailsItsSegmentWithAReasonAndTheOthersGoOn(String fault) {
        SegmentKey faulty = segments.segment(1, 1, 2, 3);
        SegmentKey sound = segments.segment(2, 1);
        segments.run(DAY);
        long before = segments.version(faulty);
        String[] parts = fault.split(" \\| ", 2);
        db.execute(parts[0]);

        RunReport report = segments.run(DAY.plusDays(1));

        assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(report.problems()).singleElement().asString().contains("7/1").contains(parts[1].strip());
        assertThat(segments.version(faulty)).isEqualTo(before);
        assertThat(segments.registry.show(sound).day()).isEqualTo(DAY.plusDays(1));
    }

    @Test
    void nullInTheFirstVersionFailsItToo() {
        SegmentKey key = segments.segment(1, 1);
        db.execute("insert into source_1 values (null)");

        RunReport report = segments.run(DAY);

        assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(report.problems()).singleElement().asString().contains("source_1", "contact_id");
        assertThat(segments.registry.show(key).version()).isNull();
    }

    @Test
    void sourceThatTakesTooLongFailsItsSegment() {
        segments = new SegmentFixture(db, "segdiff.segments.source-timeout", "100ms");
        db.execute("create view slow as select 1 as contact_id from pg_sleep(60)");
        segments.registry.add(new SegmentKey(7, 1), TableName.parse("slow"));

        RunReport report = segments.run(DAY);

        assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(report.problems()).singleElement().asString().contains("segdiff.segments.source-timeout");
    }

    @Test
    void sourceWithoutPermissionFailsItsSegment() {
        segments.segment(1, 1);
        db.execute(
                "create role outsider_%s".formatted(db.name()),
                "create schema hidden",
                "alter table source_1 set schema hidden",
                """
                create view source_1 as select contact_id from hidden.source_1
                """,
                "alter view source_1 owner to outsider_%s".formatted(db.name()));

        RunReport report = segments.runAccepting(DAY, "7/1");

        assertThat(report.problems())
                .singleElement()
                .asString()
                .contains("is read with the rights of role outsider_" + db.name(), "grant outsider_");
        db.execute("drop view source_1", "drop role outsider_%s".formatted(db.name()));
    }

    @Test
    void problemIsForgottenAfterASuccess() {
        SegmentKey key = segments.segment(1, 1);
        db.execute("alter table source_1 rename to gone");
        segments.run(DAY);
        assertThat(segments.registry.show(key).problem()).contains("source_1 does not exist");
        db.execute("alter table gone rename to source_1");

        assertThat(segments.run(DAY).outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(segments.registry.show(key).problem()).isNull();
    }

    @Test
    void lostSnapshotFailsUntilANewBaselineIsAccepted() {
        SegmentKey key = segments.segment(1, 1);
        segments.run(DAY);
        long lost = segments.version(key);
        db.execute("drop table " + key.snapshot(lost));

        RunReport report = segments.run(DAY.plusDays(1));
        assertThat(report.problems()).singleElement().asString().contains("is missing", "--accept 7/1");

        segments.run(SegmentFixture.accepting(DAY.plusDays(1), "7/1"));
        assertThat(segments.members(key)).containsExactly("1");
        assertThat(db.value("select bool_and(complete) from segdiff.read_segment(7, 1, %d)".formatted(lost)))
                .isEqualTo("t");
    }

    @Test
    void snapshotThatSomebodyRenamedCountsAsLost() {
        SegmentKey key = segments.segment(1, 1);
        segments.run(DAY);
        db.execute("alter table %s rename to mine".formatted(key.snapshot(segments.version(key))));

        assertThat(segments.run(DAY.plusDays(1)).problems())
                .singleElement()
                .asString()
                .contains("is missing");
        assertThat(db.rows("select * from segdiff.mine")).containsExactly("1");
    }
}
