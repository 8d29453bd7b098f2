package dev.segdiff.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.db.Cancellation;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.Await;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a rebuild leaves behind when it is cut off, and who drops it. */
class UnfinishedBuildsTest extends RebuildFixture {
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
}
