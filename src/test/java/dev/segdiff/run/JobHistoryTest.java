package dev.segdiff.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.run.JobHistory.Total;
import dev.segdiff.support.TestDatabase;
import java.time.Duration;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class JobHistoryTest {
    private static final LocalDate DAY = LocalDate.of(2026, 3, 1);

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @SuppressWarnings("NullAway.Init")
    private RunFixture runs;

    @SuppressWarnings("NullAway.Init")
    private JobHistory history;

    @BeforeEach
    void start() {
        runs = new RunFixture(db);
        history = new JobHistory(runs.database);
    }

    private RunReport run(Function<RunContext, Result> work) {
        return runs.run(new TestJob(true, work), RunFixture.request(DAY));
    }

    private JobHistory.Last last() {
        return history.last(new TestJob(true, run -> Result.succeeded()));
    }

    private double total(String kind, String name) {
        return history.totals().stream()
                .filter(total -> total.kind().equals(kind) && total.name().equals(name))
                .mapToDouble(Total::total)
                .findFirst()
                .orElse(0);
    }

    @Test
    void jobThatNeverRanHasNoPast() {
        assertThat(last()).isEqualTo(new JobHistory.Last(null, null, null, null));
        assertThat(history.totals()).isEmpty();
    }

    @Test
    void successIsToldUntilTheNextOneWhateverComesBetween() {
        run(context -> Result.succeeded());
        var success = last().succeededAt();
        run(context -> Result.of(Outcome.FAILED, "broken"));

        assertThat(last().succeededAt()).isEqualTo(success).isNotNull();
        assertThat(last().completedAt()).isAfter(success);
        assertThat(last().successAge()).isBetween(Duration.ZERO, Duration.ofMinutes(1));
    }

    @Test
    void lastCompletionIsKnownDuringARun() {
        run(context -> Result.succeeded());
        OffsetDateTime before = last().completedAt();

        run(context -> {
            db.execute("update segdiff.runs set began = true where ended_at is null");
            assertThat(last().completedAt()).isEqualTo(before).isNotNull();
            assertThat(last().took()).isNotNull();
            return Result.succeeded();
        });
    }

    @Test
    void nothingToDoIsASuccessToo() {
        run(context -> Result.of(Outcome.SKIPPED, "nothing has expired"));

        assertThat(last().succeededAt()).isNotNull();
    }

    @Test
    void pausedJobDidNotDoWhatItIsFor() {
        TestJob job = new TestJob(true, context -> Result.succeeded());
        runs.controls.pause(job, "anna", null);
        runs.run(job, RunFixture.request(DAY));

        assertThat(last().completedAt()).isNull();
        assertThat(last().succeededAt()).isNull();
    }

    @Test
    void dryRunsDoNotCount() {
        runs.run(
                new TestJob(true, context -> {
                    context.counts().add("rows", 5);
                    return Result.succeeded();
                }),
                RunFixture.dryRun(DAY));

        assertThat(last().succeededAt()).isNull();
        assertThat(history.totals()).isEmpty();
    }

    @Test
    void totalsAddUpOverAllRuns() {
        for (int i = 0; i < 3; i++) {
            run(context -> {
                context.counts().add("rows", 5);
                context.notes().throttled(new WaitReason(WaitCause.REPLICATION_LAG, "late"), Duration.ofSeconds(2));
                return Result.succeeded();
            });
        }
        run(context -> Result.of(Outcome.REFUSED, "too much"));

        assertThat(total("outcome", "SUCCEEDED")).isEqualTo(3);
        assertThat(total("outcome", "REFUSED")).isEqualTo(1);
        assertThat(total("count", "rows")).isEqualTo(15);
        assertThat(total("wait", "replication_lag")).isEqualTo(6);
    }

    @Test
    void killedRunCountsOnceItIsClosed() {
        db.execute("""
                insert into segdiff.runs (job, trigger, worker, day, dry_run, heartbeat_at, counts)
                values ('chore', 'COMMAND', 'gone:1', '2026-03-01', false, now() - interval '10 minutes', '{"rows": 7}')
                """);
        run(context -> Result.succeeded());

        assertThat(total("outcome", "INTERRUPTED")).isEqualTo(1);
        assertThat(total("count", "rows")).isEqualTo(7);
    }

    @Test
    void runThatWasTakenForDeadAndCameBackCountsOnce() {
        run(context -> {
            context.counts().add("rows", 5);
            db.execute(
                    "update segdiff.runs set counts = '{\"rows\": 2}', heartbeat_at = now() - interval '10 minutes'");
            runs.run(new TestJob(false, other -> Result.succeeded()), RunFixture.request(DAY));
            assertThat(total("outcome", "INTERRUPTED")).isEqualTo(1);
            return Result.succeeded();
        });

        assertThat(total("outcome", "INTERRUPTED")).isZero();
        assertThat(total("outcome", "SUCCEEDED")).isEqualTo(2);
        assertThat(total("count", "rows")).isEqualTo(5);
    }

    @Test
    void staleJobIsNotWellThoughItsGoalIsMet() {
        Goal met = new Goal(true, "", List.of(), List.of(), List.of());
        JobHistory.Last recent = new JobHistory.Last(null, null, null, Duration.ofHours(29));
        JobHistory.Last old = new JobHistory.Last(null, null, null, Duration.ofHours(31));

        assertThat(status(met, recent).isWell()).isTrue();
        assertThat(status(met, old).isWell()).isFalse();
        assertThat(status(met, new JobHistory.Last(null, null, null, null)).isWell())
                .isFalse();
    }

    private static JobStatus status(Goal goal, JobHistory.Last last) {
        return new JobStatus("chore", goal, last, Duration.ofHours(30), JobControls.Control.NONE, null);
    }
}
