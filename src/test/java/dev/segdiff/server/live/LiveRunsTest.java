package dev.segdiff.server.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.db.Cancellation;
import dev.segdiff.run.Job;
import dev.segdiff.run.Result;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.RunFixture;
import dev.segdiff.run.RunOrigin;
import dev.segdiff.run.RunReport;
import dev.segdiff.run.RunRequest;
import dev.segdiff.run.TestJob;
import dev.segdiff.support.Await;
import dev.segdiff.support.TestDatabase;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class LiveRunsTest {
    private static final LocalDate DAY = LocalDate.of(2026, 3, 1);
    private static final RunRequest ASKED =
            new RunRequest(RunOrigin.http("anna", "r1"), DAY, false, false, List.of(), Duration.ofMinutes(5));

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @SuppressWarnings("NullAway.Init")
    private RunFixture runs;

    @SuppressWarnings("NullAway.Init")
    private LiveRuns live;

    @BeforeEach
    void start() {
        runs = new RunFixture(db);
        live = new LiveRuns(runs.runner);
    }

    /** A job that works until it is asked to end. */
    private static Job patient(boolean exclusive) {
        return new TestJob(exclusive, run -> {
            while (true) {
                run.cancellation().sleep(Duration.ofMinutes(1));
            }
        });
    }

    private RunReport ended(long runId) {
        Await.until(
                "run " + runId + " has ended",
                () -> runs.ledger.find(runId).orElseThrow().outcome() != null);
        return runs.ledger.find(runId).orElseThrow();
    }

    @Test
    void ledgerTellsWhoAsked() {
        RunContext run = live.start(new TestJob(true, context -> Result.succeeded()), ASKED)
                .orElseThrow();

        RunReport report = ended(run.runId());
        assertThat(report.trigger()).isEqualTo(RunOrigin.Kind.HTTP);
        assertThat(report.actor()).isEqualTo("anna");
    }

    @Test
    void jobThatRunsHereIsBusy() {
        RunContext run = live.start(patient(false), ASKED).orElseThrow();

        assertThatThrownBy(() -> live.start(patient(false), ASKED))
                .isInstanceOf(JobBusyException.class)
                .hasMessage("chore runs here: run " + run.runId());
        live.stop("test");
    }

    @Test
    void exclusiveJobThatRunsElsewhereIsBusyAndTheMessageTellsWhere() {
        LiveRuns elsewhere = new LiveRuns(runs.runner);
        RunContext run = elsewhere.start(patient(true), ASKED).orElseThrow();
        Await.until(
                "it holds the lease",
                () -> runs.runner.runsElsewhere(patient(true)).isPresent());

        assertThatThrownBy(() -> live.start(patient(true), ASKED))
                .isInstanceOf(JobBusyException.class)
                .hasMessageContaining("runs elsewhere")
                .hasMessageContaining("run " + run.runId());
        assertThat(runs.ledger.latest("chore", 9)).hasSize(1);
        elsewhere.stop("test");
    }

    @Test
    void runIsStoppedFromElsewhereThroughTheLedger() {
        RunContext run = live.start(patient(true), ASKED).orElseThrow();

        assertThat(runs.ledger.requestStop(run.runId(), "bob")).isTrue();

        RunReport report = ended(run.runId());
        assertThat(report.state()).isEqualTo("INTERRUPTED");
        assertThat(report.reason()).isEqualTo("stopped by bob");
        assertThat(runs.ledger.requestStop(run.runId(), "bob")).isFalse();
    }

    @Test
    void stopEndsWhatRunsAndTakesNothingNew() {
        RunContext run = live.start(patient(true), ASKED).orElseThrow();

        live.stop("SIGTERM");

        assertThat(runs.ledger.find(run.runId()).orElseThrow().reason()).isEqualTo("SIGTERM");
        assertThatThrownBy(() -> live.start(patient(true), ASKED)).isInstanceOf(StoppingException.class);
    }

    @Test
    void batchUnderWayMayEndWhenTheProcessStops() throws InterruptedException {
        db.execute("create table done (at timestamptz)");
        CountDownLatch inBatch = new CountDownLatch(1);
        Job job = new TestJob(true, run -> {
            run.inTransaction(runs.database, session -> {
                session.update("insert into done values (now())");
                inBatch.countDown();
                session.list("select pg_sleep(0.3)", row -> row);
                session.update("insert into done values (now())");
            });
            run.cancellation().check();
            return Result.succeeded();
        });
        RunContext run = live.start(job, ASKED).orElseThrow();
        inBatch.await();

        live.stop("SIGTERM");

        assertThat(db.value("select count(*) from done")).isEqualTo("2");
        assertThat(runs.ledger.find(run.runId()).orElseThrow().state()).isEqualTo("INTERRUPTED");
    }

    @Test
    void statementThatOutlivesTheGraceIsCancelled() throws InterruptedException {
        CountDownLatch inStatement = new CountDownLatch(1);
        Cancellation cancellation = new Cancellation();
        Job job = new TestJob(false, run -> {
            inStatement.countDown();
            run.inTransaction(runs.database, session -> session.list("select pg_sleep(25)", row -> row));
            return Result.succeeded();
        });
        Thread worker = new Thread(() -> runs.runner.run(job, ASKED, cancellation, run -> {}));
        worker.start();
        inStatement.await();

        cancellation.request("SIGTERM", Duration.ofMillis(200));
        worker.join(10_000);

        assertThat(worker.isAlive()).isFalse();
        assertThat(runs.ledger.latest("chore", 1).get(0).state()).isEqualTo("INTERRUPTED");
    }

    @Test
    void refusedRequestLeavesTheJobFree() {
        RunRequest refused = new RunRequest(ASKED.origin(), DAY, false, false, List.of("x"), Duration.ofMinutes(1));
        Job job = new TestJob(true, run -> Result.succeeded());

        assertThatThrownBy(() -> live.start(job, refused)).hasMessage("nothing to accept");
        assertThat(ended(live.start(job, ASKED).orElseThrow().runId()).state()).isEqualTo("SUCCEEDED");
    }

    @Test
    void databaseThatGoesAwayLeavesTheJobFree() {
        Job job = new TestJob(true, run -> {
            run.inTransaction(runs.database, session -> {
                session.call("select 1");
                db.rows("""
                        select pg_terminate_backend(pid) from pg_stat_activity
                        where datname = current_database() and pid <> pg_backend_pid()
                        """);
                session.call("select 1");
            });
            return Result.succeeded();
        });
        RunContext run = live.start(job, ASKED).orElseThrow();

        Await.until("the job is free", () -> live.of("chore").isEmpty());
        assertThat(db.value("select outcome from segdiff.runs where run_id = " + run.runId()))
                .isEqualTo("INTERRUPTED");
    }
}
