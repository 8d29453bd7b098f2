package dev.segdiff.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.CancelledException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.support.TestDatabase;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class JobRunnerTest {
    private static final LocalDate DAY = LocalDate.of(2026, 3, 1);

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @SuppressWarnings("NullAway.Init")
    RunLedger ledger;

    @SuppressWarnings("NullAway.Init")
    RunFixture runs;

    @BeforeEach
    void wire() {
        runs = new RunFixture(db);
        ledger = runs.ledger;
    }

    private RunReport run(Function<RunContext, Result> work) {
        return run(work, Duration.ofMinutes(1));
    }

    private RunReport run(Function<RunContext, Result> work, Duration timeBudget) {
        RunRequest request = new RunRequest(RunOrigin.COMMAND, DAY, false, false, List.of(), timeBudget);
        return runs.runner.run(new TestJob(true, work), request, new Cancellation(), run -> {});
    }

    @Test
    void everyRunHasARowThatTellsWhatCameOfIt() {
        RunReport report = run(context -> {
            context.counts().add("rows", 3);
            context.problem("look at this");
            return Result.of(Outcome.REFUSED, "too much");
        });

        assertThat(ledger.latest("chore", 9)).containsExactly(report);
        assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(report.reason()).isEqualTo("too much");
        assertThat(report.counts()).containsExactly(Map.entry("rows", 3L));
        assertThat(report.problems()).containsExactly("look at this");
        assertThat(report.day()).isEqualTo(DAY);
    }

    @Test
    void rowIsThereWhileTheRunLives() {
        run(context -> {
            assertThat(ledger.latest("chore", 1)).singleElement().satisfies(living -> {
                assertThat(living.state()).isEqualTo("RUNNING");
                assertThat(living.runId()).isEqualTo(context.runId());
            });
            return Result.succeeded();
        });
    }

    @Test
    void exceptionEndsTheRunAsFailedWithItsMessage() {
        RunReport report = run(context -> {
            throw new IllegalStateException("broken");
        });

        assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(report.reason()).contains("broken");
    }

    @Test
    void cancelledRunIsInterrupted() {
        RunReport report = run(context -> {
            throw new CancelledException("SIGTERM");
        });

        assertThat(report.outcome()).isEqualTo(Outcome.INTERRUPTED);
    }

    @Test
    void timeBudgetAsksTheRunToEnd() {
        RunReport report = run(
                context -> {
                    context.cancellation().await(60_000);
                    throw new CancelledException(
                            String.valueOf(context.cancellation().reason()));
                },
                Duration.ofMillis(50));

        assertThat(report.outcome()).isEqualTo(Outcome.INTERRUPTED);
        assertThat(report.reason()).contains("time budget");
    }

    @Test
    void refusedRequestLeavesNoRow() {
        RunRequest request = new RunRequest(RunOrigin.COMMAND, DAY, false, false, List.of("x"), Duration.ofMinutes(1));

        assertThatThrownBy(() -> runs.runner.run(
                        new TestJob(true, context -> Result.succeeded()), request, new Cancellation(), run -> {}))
                .isInstanceOf(InvalidInputException.class);
        assertThat(ledger.latest(null, 9)).isEmpty();
    }

    @Test
    void killedRunIsToldAsLostAndClosedByTheNextOne() {
        db.execute("""
                insert into segdiff.runs (job, trigger, worker, day, dry_run, heartbeat_at)
                values ('chore', 'COMMAND', 'gone:1', '2026-03-01', false, now() - interval '10 minutes')
                """);
        assertThat(ledger.last("chore")).get().extracting(RunReport::state).isEqualTo("LOST");

        run(context -> Result.succeeded());

        assertThat(ledger.latest("chore", 9)).extracting(RunReport::state).containsExactly("SUCCEEDED", "INTERRUPTED");
    }

    @Test
    void ledgerOutlivesItsSessions() {
        RunReport report = run(context -> {
            db.rows("""
                    select pg_terminate_backend(pid) from pg_stat_activity
                    where datname = current_database() and pid <> pg_backend_pid()
                    """);
            return Result.succeeded();
        });

        assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
    }

    @Test
    void runWhoseRowIsGoneIsInterruptedAsByAStandbyThatTakesOver() {
        assertThatThrownBy(() -> run(context -> {
                    db.execute("delete from segdiff.runs");
                    return Result.succeeded();
                }))
                .isInstanceOf(CancelledException.class)
                .hasMessageMatching("run \\d+ is not in the ledger any more, .*; start it again");
    }
}
