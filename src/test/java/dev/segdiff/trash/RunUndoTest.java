package dev.segdiff.trash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.event.EventFixture;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunFixture;
import dev.segdiff.run.RunReport;
import dev.segdiff.segment.SegmentFixture;
import dev.segdiff.support.TestDatabase;
import dev.segdiff.trash.RunUndo.Plan;
import dev.segdiff.trash.RunUndo.Recallable;
import java.time.LocalDate;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a run removed is put back where that is possible, and is not removed again by the next run. */
class RunUndoTest {
    private static final LocalDate DAY = LocalDate.of(2026, 3, 1);

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @SuppressWarnings("NullAway.Init")
    private RunUndo undo;

    @SuppressWarnings("NullAway.Init")
    private SegmentFixture segments;

    @BeforeEach
    void wire() {
        RunFixture runs = new RunFixture(db);
        undo = new RunUndo(runs.database, runs.ledger);
        segments = new SegmentFixture(db);
    }

    private void restoreAll(Plan plan) {
        plan.recallable().forEach(thing -> undo.restore(thing, "tester"));
    }

    @Test
    void segmentsThatACleanupRemovedComeBackAndStay() {
        segments.segment(1, 1, 2);
        segments.segment(2, 3);
        segments.run(DAY);
        db.execute("update segdiff.segments set last_used_at = now() - interval '40 days'");
        RunReport cleanup = segments.cleanup();
        assertThat(cleanup.counts()).contains(Map.entry("trashed", 2L));

        Plan plan = undo.plan(cleanup.runId());
        assertThat(plan.recallable())
                .extracting(Recallable::words)
                .containsExactlyInAnyOrder("segment 7/1", "segment 7/2");
        restoreAll(plan);

        assertThat(db.rows("select contact_id from segdiff.members(7, 1) order by 1"))
                .containsExactly("1", "2");
        assertThat(db.value("select count(*) from segdiff.segments where last_used_at > now() - interval '1 hour'"))
                .isEqualTo("2");
        assertThat(segments.cleanup().outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(undo.plan(cleanup.runId()).recallable()).isEmpty();
    }

    @Test
    void segmentThatIsRegisteredAnewIsNotOverwritten() {
        segments.segment(1, 1, 2);
        segments.run(DAY);
        db.execute("update segdiff.segments set last_used_at = now() - interval '40 days'");
        Plan plan = undo.plan(segments.cleanup().runId());
        db.execute("insert into segdiff.segments (customer_id, segment_id, source) values (7, 1, 'public.other')");

        assertThatThrownBy(() -> restoreAll(plan))
                .isInstanceOf(DatabaseException.class)
                .hasMessageContaining("registered anew");
    }

    @Test
    void partitionComesBackAndIsExemptFromExpiryUntilToldOtherwise() {
        db.execute(
                "set timezone = 'UTC'; create table event (id int, created_at timestamptz not null) partition by range (created_at);"
                        + "create table event_2020_01 partition of event for values from ('2020-01-01') to ('2020-02-01')",
                "create index on event (created_at)",
                "insert into event values (1, '2020-01-05')");
        db.giveToWorker("event");
        EventFixture events = new EventFixture(
                db,
                "segdiff.events.audit.table",
                "public.event",
                "segdiff.events.audit.time-column",
                "created_at",
                "segdiff.events.audit.retention",
                "90d",
                "segdiff.events.audit.partitions-ahead",
                "0");
        RunReport expiry = events.runAccepting("audit");
        assertThat(db.value("select count(*) from event")).isEqualTo("0");

        Plan plan = undo.plan(expiry.runId());
        assertThat(plan.recallable()).extracting(Recallable::words).containsExactly("partition public.event_2020_01");
        restoreAll(plan);

        assertThat(db.rows("select * from event")).hasSize(1);
        assertThat(events.run().outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(db.rows("select * from event")).hasSize(1);
        db.execute("delete from segdiff.exempt_partitions");
        assertThat(events.runAccepting("audit").counts()).contains(Map.entry("partitions_detached", 1L));
    }

    @Test
    void whatIsBeyondRecallIsTold() {
        db.execute(
                "create table event (created_at timestamptz not null)",
                "create index on event (created_at)",
                "insert into event select now() - i * interval '1 day' from generate_series(80, 100) i");
        RunReport expiry = new EventFixture(
                        db,
                        "segdiff.events.audit.table",
                        "public.event",
                        "segdiff.events.audit.time-column",
                        "created_at",
                        "segdiff.events.audit.retention",
                        "90d")
                .run();

        Plan plan = undo.plan(expiry.runId());

        assertThat(plan.recallable()).isEmpty();
        assertThat(plan.beyondRecall()).containsExactly(expiry.counts().get("expired") + " rows deleted in batches");
    }

    @Test
    void snapshotThatWasDroppedFromTheTrashMeanwhileIsNotPromised() {
        segments.segment(1, 1, 2);
        segments.run(DAY);
        db.execute("update segdiff.segments set last_used_at = now() - interval '40 days'");
        RunReport cleanup = segments.cleanup();
        db.execute("update segdiff.trash set moved_at = moved_at - interval '8 days'");
        RunReport dropping = segments.cleanup();

        assertThat(undo.plan(cleanup.runId()).recallable()).isEmpty();
        assertThat(undo.plan(dropping.runId()).beyondRecall()).containsExactly("1 tables dropped from the trash");
    }

    @Test
    void runThatIsNotThereOrLivesIsRefused() {
        assertThatThrownBy(() -> undo.plan(4711))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("there is no run 4711");
        db.execute(
                "insert into segdiff.runs (job, trigger, worker, day, dry_run) values ('snapshot-cleanup', 'COMMAND', 'x', current_date, false)");
        assertThatThrownBy(() -> undo.plan(Long.parseLong(db.value("select max(run_id) from segdiff.runs"))))
                .hasMessageContaining("has not ended");
    }

    @Test
    void runThatWasKilledIsUndoneLikeAnyOther() {
        db.execute(
                "insert into segdiff.runs (job, trigger, worker, day, dry_run, heartbeat_at) values ('snapshot-cleanup', 'COMMAND', 'x', current_date, false, now() - interval '1 hour')");

        assertThat(undo.plan(Long.parseLong(db.value("select max(run_id) from segdiff.runs")))
                        .recallable())
                .isEmpty();
    }
}
