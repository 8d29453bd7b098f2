package dev.segdiff.server.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Job;
import dev.segdiff.run.LogicalDay;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.PlannedRuns;
import dev.segdiff.run.Result;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.RunFixture;
import dev.segdiff.run.RunReport;
import dev.segdiff.run.RunRequest;
import dev.segdiff.run.TestJob;
import dev.segdiff.server.live.LiveRuns;
import dev.segdiff.server.live.StopNow;
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
    private record Replica(LiveRuns live, DueRuns due, Instant since) {
        void look(Job job) {
            due.start(job, CRON, since);
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
                        new PlannedRuns(runs.database),
                        live,
                        clock),
                clock.instant());
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
    void jobThatCannotStartEndsNoOtherStart() {
        Job broken = Mistaken.of(ending(Outcome.SUCCEEDED));
        nextDay();

        replica.look(broken);

        assertThat(done).hasValue(0);
        replica.look(ending(Outcome.SUCCEEDED));
        assertThat(done).hasValue(1);
    }

    /** A job whose configuration is wrong. */
    private record Mistaken(Job job) implements Job {
        static Job of(Job job) {
            return new Mistaken(job);
        }

        @Override
        public String name() {
            return job.name();
        }

        @Override
        public int order() {
            return job.order();
        }

        @Override
        public String cron() {
            return job.cron();
        }

        @Override
        public void check(RunRequest request) {
            throw new InvalidInputException("a key has a wrong value");
        }

        @Override
        public Result run(RunContext context) {
            return job.run(context);
        }

        @Override
        public Goal goal() {
            return job.goal();
        }
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
    void momentOfAChangedScheduleIsNotMadeUpFor() {
        Job job = ending(Outcome.SUCCEEDED);
        nextDay();
        replica.look(job);
        clock.forward(Duration.ofHours(1));
        Replica later = replica();
        later.due().start(job, new Cron("0 10 * * *", ZoneOffset.UTC), later.since());
        Await.until("the run has ended", () -> later.live().of("chore").isEmpty());

        assertThat(done).hasValue(1);
    }

    @Test
    void runThatAPersonStoppedIsNotMadeUpFor() {
        Job job = patient();
        nextDay();
        replica.due().start(job, CRON, replica.since());
        Await.until("it has begun", () -> done.get() == 1);
        long run = runs.ledger.last("chore").orElseThrow().runId();
        assertThat(new StopNow(runs.ledger, replica.live()).stop(run, "anna")).isTrue();
        Await.until("it has ended", () -> replica.live().of("chore").isEmpty());
        db.execute("update segdiff.runs set ended_at = ended_at - interval '61 s'");
        replica.look(job);

        assertThat(done).hasValue(1);
        assertThat(runs.ledger.last("chore").orElseThrow().reason()).isEqualTo("stopped by anna");
    }

    @Test
    void runThatUsedUpItsTimeIsNotMadeUpFor() {
        runs = new RunFixture(db, "segdiff.time-budget", "1s");
        replica = replica();
        Job job = patient();
        nextDay();
        replica.look(job);
        db.execute("update segdiff.runs set ended_at = ended_at - interval '61 s'");
        replica.look(job);

        assertThat(done).hasValue(1);
        assertThat(runs.ledger.last("chore").orElseThrow().state()).isEqualTo("INTERRUPTED");
    }

    /** A job that works until it is asked to end. */
    private Job patient() {
        return new TestJob(true, run -> {
            done.incrementAndGet();
            run.cancellation().sleep(Duration.ofMinutes(1));
            return Result.succeeded();
        });
    }

    @Test
    void scheduledRunThatIsStoppedWhileItWaitsForALeaseIsMadeUpFor() {
        db.execute("""
                insert into segdiff.leases (job, token, holder, run_id, taken_at, expires_at)
                values ('chore', 1, 'killed:1', 1, now(), now() + interval '1 hour')
                """);
        nextDay();
        replica.due().start(ending(Outcome.SUCCEEDED), CRON, replica.since());
        replica.live().stop("SIGTERM");

        assertThat(runs.ledger.last("chore").orElseThrow().state()).isEqualTo("INTERRUPTED");
        db.execute(
                "update segdiff.runs set ended_at = ended_at - interval '61 s'",
                "update segdiff.leases set expires_at = now()");
        replica().look(ending(Outcome.SUCCEEDED));

        assertThat(done).hasValue(1);
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
                insert into segdiff.runs (job, trigger, worker, day, dry_run, schedule, planned_at, heartbeat_at)
                values ('chore', 'SCHEDULE', 'gone:1', '2026-03-02', false, '0 3 * * * Z', '2026-03-02 03:00Z', now() - interval '2 minutes')
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
        replica.due().start(job, CRON, replica.since());
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
