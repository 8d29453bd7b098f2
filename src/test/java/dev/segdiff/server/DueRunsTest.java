package dev.segdiff.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.run.Job;
import dev.segdiff.run.LogicalDay;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.Result;
import dev.segdiff.run.RunFixture;
import dev.segdiff.run.RunReport;
import dev.segdiff.run.TestJob;
import dev.segdiff.support.Await;
import dev.segdiff.support.TestClock;
import dev.segdiff.support.TestConfig;
import dev.segdiff.support.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The schedule of a job that comes every day at three. */
class DueRunsTest {
    private static final Cron CRON = new Cron("0 3 * * *", ZoneOffset.UTC);

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private final TestClock clock = new TestClock(Instant.parse("2026-03-01T12:00:00Z"));
    private final AtomicInteger done = new AtomicInteger();

    @SuppressWarnings("NullAway.Init")
    private RunFixture runs;

    @SuppressWarnings("NullAway.Init")
    private Replica replica;

    /** A process that serves. */
    private record Replica(LiveRuns live, DueRuns due) {
        void look(Job job) {
            due.start(job, CRON);
            Await.until("the run has ended", () -> live.of(job.name()).isEmpty());
        }
    }

    @BeforeEach
    void start() {
        runs = new RunFixture(db);
        replica = replica();
    }

    private Replica replica() {
        LiveRuns live = new LiveRuns(runs.runner);
        return new Replica(
                live,
                new DueRuns(
                        TestConfig.of(ScheduleConfig.class),
                        runs.config,
                        new LogicalDay(runs.database, runs.config),
                        runs.ledger,
                        live,
                        clock));
    }

    private Job ending(Outcome outcome) {
        return new TestJob(true, run -> {
            done.incrementAndGet();
            return new Result(outcome, null);
        });
    }

    private void nextDay() {
        clock.forward(Duration.ofDays(1));
    }

    @Test
    void momentIsRunOnceHoweverOftenItIsLookedFor() {
        Job job = ending(Outcome.SUCCEEDED);
        nextDay();
        for (int i = 0; i < 3; i++) {
            replica.look(job);
        }

        assertThat(done).hasValue(1);
        assertThat(runs.ledger.latest("chore", 9)).singleElement().satisfies(run -> assertThat(run.trigger())
                .hasToString("SCHEDULE"));
        assertThat(db.value("select planned_at = '2026-03-02 03:00Z' from segdiff.runs"))
                .isEqualTo("t");
    }

    @Test
    void ofTwoReplicasOneRunsAMoment() throws InterruptedException, ExecutionException {
        Job job = ending(Outcome.SUCCEEDED);
        Replica other = replica();
        ExecutorService both = Executors.newFixedThreadPool(2);
        int days = 15;
        for (int day = 0; day < days; day++) {
            nextDay();
            Future<?> one = both.submit(() -> replica.look(job));
            Future<?> two = both.submit(() -> other.look(job));
            one.get();
            two.get();
        }
        both.shutdown();

        assertThat(done).hasValue(days);
        assertThat(db.value("select count(*) from segdiff.runs")).isEqualTo(String.valueOf(days));
    }

    @Test
    void momentBeforeTheFirstStartIsNotMadeUpFor() {
        replica.look(ending(Outcome.SUCCEEDED));

        assertThat(done).hasValue(0);
    }

    @Test
    void momentMissedBetweenTwoStartsIsMadeUpFor() {
        Job job = ending(Outcome.SUCCEEDED);
        nextDay();
        replica.look(job);
        nextDay();
        replica().look(job);

        assertThat(done).hasValue(2);
    }

    @Test
    void momentPastTheDeadlineIsNotMadeUpFor() {
        Job job = ending(Outcome.SUCCEEDED);
        nextDay();
        replica.look(job);
        nextDay();
        clock.forward(Duration.ofHours(4));
        replica.look(job);

        assertThat(done).hasValue(1);
    }

    @Test
    void interruptedRunIsMadeUpForAfterAMinuteAndNotBefore() {
        Job job = ending(Outcome.INTERRUPTED);
        nextDay();
        replica.look(job);
        replica.look(job);
        assertThat(done).hasValue(1);

        db.execute("update segdiff.runs set ended_at = ended_at - interval '61 s'");
        replica.look(job);

        assertThat(done).hasValue(2);
        assertThat(db.value("select max(attempt) from segdiff.runs")).isEqualTo("2");
    }

    @Test
    void runThatIsInterruptedAgainAndAgainIsGivenUp() {
        nextDay();
        for (int i = 0; i < 12; i++) {
            replica.look(ending(Outcome.INTERRUPTED));
            db.execute("update segdiff.runs set ended_at = ended_at - interval '61 s'");
        }

        assertThat(done).hasValue(7);
    }

    @Test
    void failedRunIsNotRepeated() {
        nextDay();
        replica.look(ending(Outcome.FAILED));
        db.execute("update segdiff.runs set ended_at = ended_at - interval '1 hour'");
        replica.look(ending(Outcome.FAILED));

        assertThat(done).hasValue(1);
    }

    @Test
    void runOfAProcessThatWasKilledIsMadeUpFor() {
        Job job = ending(Outcome.SUCCEEDED);
        db.execute("""
                insert into segdiff.runs (job, trigger, worker, day, dry_run, planned_at, heartbeat_at)
                values ('chore', 'SCHEDULE', 'gone:1', '2026-03-02', false, '2026-03-02 03:00Z', now() - interval '2 minutes')
                """);
        nextDay();
        replica.look(job);

        assertThat(runs.ledger.latest("chore", 9))
                .extracting(RunReport::state)
                .containsExactly("SUCCEEDED", "INTERRUPTED");
    }

    @Test
    void momentWaitsForTheRunThatLivesHere() {
        CountDownLatch goOn = new CountDownLatch(1);
        Job job = new TestJob(false, run -> {
            done.incrementAndGet();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return Result.succeeded();
        });
        assertThat(replica.live().start(job, RunFixture.request(LocalDate.of(2026, 3, 1))))
                .isPresent();
        nextDay();
        replica.due().start(job, CRON);
        Await.until("the first run has begun", () -> done.get() == 1);
        assertThat(runs.ledger.latest("chore", 9)).hasSize(1);

        goOn.countDown();
        Await.until("it has ended", () -> replica.live().of("chore").isEmpty());
        replica.look(job);

        assertThat(done).hasValue(2);
    }

    @Test
    void processThatStopsStartsNothing() {
        nextDay();
        replica.live().stop("SIGTERM");
        replica.look(ending(Outcome.SUCCEEDED));

        assertThat(done).hasValue(0);
    }
}
