package dev.segdiff.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.pace.Gate;
import dev.segdiff.support.Await;
import dev.segdiff.support.TcpProxy;
import dev.segdiff.support.TestDatabase;
import java.net.URI;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.LocalDate;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Leases, pauses and limits. */
class ExclusiveRunTest {
    private static final RunRequest REQUEST = RunFixture.request(LocalDate.of(2026, 3, 1));

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @SuppressWarnings("NullAway.Init")
    RunFixture runs;

    @BeforeEach
    void wire() {
        runs = new RunFixture(db);
        db.execute("create table work (worker text)");
    }

    private RunReport run(Function<RunContext, Result> work) {
        return runs.run(new TestJob(true, work), REQUEST);
    }

    private void write(RunContext context, String worker) {
        runs.database.transaction(
                context.settings(runs.database.defaults()),
                new Cancellation(),
                session -> session.update("insert into work values (?)", worker));
    }

    private static void hold(Connection other, String sql) {
        try {
            TestDatabase.rows(other, sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private void expireLease() {
        db.execute("update segdiff.leases set expires_at = clock_timestamp() - interval '1 second'");
    }

    @Test
    void secondWorkerIsSkippedAndToldWhoRunsIt() {
        runs = new RunFixture(db, "segdiff.lease-duration", "2s");
        run(first -> {
            RunReport second = run(context -> Result.succeeded());
            assertThat(second.outcome()).isEqualTo(Outcome.SKIPPED);
            assertThat(second.reason())
                    .startsWith("runs elsewhere: ")
                    .contains(":" + ProcessHandle.current().pid())
                    .contains("run " + first.runId());
            return Result.succeeded();
        });
    }

    @Test
    void runWhoseLeaseCannotBeGivenBackKeepsItsOutcome() throws SQLException {
        runs = new RunFixture(db, "segdiff.lock-timeout", "200ms");
        try (Connection other = db.connect()) {
            other.setAutoCommit(false);
            RunReport report = run(context -> {
                hold(other, "select * from segdiff.leases for update");
                return Result.succeeded();
            });

            assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
        }
    }

    @Test
    void leaseOfAKilledWorkerIsWaitedForInsteadOfSkippingTheDay() {
        db.execute("""
                insert into segdiff.leases values ('chore', 7, 'gone:1', 1, clock_timestamp(), clock_timestamp() + interval '1 second')
                """);

        assertThat(run(context -> Result.succeeded()).outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(db.value("select token from segdiff.leases")).isEqualTo("8");
    }

    @Test
    void jobThatSharesItsWorkNeedsNoLease() {
        TestJob shared = new TestJob(false, context -> Result.succeeded());

        runs.run(
                new TestJob(false, outer -> {
                    assertThat(runs.run(shared, REQUEST).outcome()).isEqualTo(Outcome.SUCCEEDED);
                    return Result.succeeded();
                }),
                REQUEST);

        assertThat(db.rows("select * from segdiff.leases")).isEmpty();
    }

    @Test
    void dryRunNeedsNoLease() {
        run(outer -> {
            RunReport dry = runs.run(
                    new TestJob(true, context -> Result.succeeded()), RunFixture.dryRun(LocalDate.of(2026, 3, 1)));
            assertThat(dry.outcome()).isEqualTo(Outcome.SUCCEEDED);
            return Result.succeeded();
        });
    }

    @Test
    void leaseIsGivenBackAtTheEnd() {
        run(context -> Result.succeeded());

        assertThat(run(context -> Result.succeeded()).outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(db.value("select token from segdiff.leases")).isEqualTo("2");
    }

    @Test
    void workerThatLostItsLeaseCommitsNothingMore() {
        RunReport stalled = run(first -> {
            write(first, "first");
            expireLease();
            assertThat(run(second -> {
                                write(second, "second");
                                assertThatThrownBy(() -> write(first, "first again"))
                                        .isInstanceOf(DatabaseException.class)
                                        .hasMessageContaining("lost the lease");
                                return Result.succeeded();
                            })
                            .outcome())
                    .isEqualTo(Outcome.SUCCEEDED);
            write(first, "first again");
            return Result.succeeded();
        });

        assertThat(stalled.outcome()).isEqualTo(Outcome.INTERRUPTED);
        assertThat(stalled.reason()).contains("lost the lease");
        assertThat(db.rows("select * from work")).containsExactly("first", "second");
    }

    @Test
    void expiredLeaseIsNoLeaseAlthoughNobodyTookIt() {
        RunReport stalled = run(context -> {
            expireLease();
            write(context, "late");
            return Result.succeeded();
        });

        assertThat(stalled.outcome()).isEqualTo(Outcome.INTERRUPTED);
        assertThat(stalled.reason()).contains("expired");
        assertThat(db.rows("select * from work")).isEmpty();
    }

    @Test
    void leaseDoesNotChangeHandsWhileATransactionOfItsHolderIsUnderWay() {
        run(first ->
                runs.database.transaction(first.settings(runs.database.defaults()), new Cancellation(), session -> {
                    session.update("insert into work values ('first')");
                    assertNobodyCanChangeTheLease();
                    return Result.succeeded();
                }));

        assertThat(db.rows("select * from work")).containsExactly("first");
    }

    private void assertNobodyCanChangeTheLease() {
        try (Connection other = db.connect()) {
            other.createStatement().execute("set lock_timeout = '50ms'");
            assertThatThrownBy(() -> other.createStatement().execute("update segdiff.leases set token = token + 1"))
                    .hasMessageContaining("lock timeout");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void workerThatStopsInsideATransactionIsEndedByTheServerAndTheNextOneTakesOver() {
        RunFixture shortLease = new RunFixture(db, "segdiff.lease-duration", "1s");
        // Without a runner, and so without a heartbeat: as a process that was stopped.
        Lease stalled = shortLease
                .leases
                .take("chore", "stalled:1", 1, new Cancellation())
                .orElseThrow();

        assertThatThrownBy(() -> runs.database.transaction(
                        stalled.fence(runs.database.defaults()), new Cancellation(), session -> {
                            session.update("insert into work values ('first')");
                            assertThat(run(context -> {
                                                write(context, "second");
                                                return Result.succeeded();
                                            })
                                            .outcome())
                                    .isEqualTo(Outcome.SUCCEEDED);
                            return session.update("insert into work values ('first again')");
                        }))
                .isInstanceOf(DatabaseException.class);
        assertThat(db.rows("select * from work")).containsExactly("second");
    }

    @Test
    void heartbeatKeepsTheLeaseOfALongRun() {
        RunFixture shortLease = new RunFixture(db, "segdiff.lease-duration", "1s");
        RunReport report = shortLease.run(
                new TestJob(true, context -> {
                    String start = db.value("select expires_at from segdiff.leases");
                    while (db.value("select expires_at <= '%s'::timestamptz + interval '1 s' from segdiff.leases"
                                    .formatted(start))
                            .equals("t")) {
                        context.cancellation().await(20);
                    }
                    return Result.succeeded();
                }),
                REQUEST);

        assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
    }

    @Test
    void runThatLostItsLeaseIsToldToEndByTheHeartbeat() {
        RunFixture shortLease = new RunFixture(db, "segdiff.lease-duration", "1s");
        RunReport report = shortLease.run(
                new TestJob(true, context -> {
                    db.execute("update segdiff.leases set token = token + 1, holder = 'pod-2:1'");
                    context.cancellation().await(60_000);
                    context.counts().add("noticed", context.cancellation().isRequested() ? 1 : 0);
                    return Result.of(
                            Outcome.INTERRUPTED,
                            String.valueOf(context.cancellation().reason()));
                }),
                REQUEST);

        assertThat(report.reason()).startsWith("lost the lease to pod-2:1");
    }

    @Test
    void pausedJobIsSkippedAndSaysWhoPausedItAndWhy() {
        TestJob job = new TestJob(true, context -> Result.succeeded());
        runs.controls.pause(job, "ann", "migration at noon");

        RunReport paused = runs.run(job, REQUEST);
        assertThat(paused.outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(paused.reason()).startsWith("paused by ann since ").endsWith(": migration at noon");

        assertThat(runs.controls.resume(job)).isTrue();
        assertThat(runs.run(job, REQUEST).outcome()).isEqualTo(Outcome.SUCCEEDED);
    }

    @Test
    void runningJobWaitsWhilePausedAndGoesOnWhenResumed() {
        TestJob[] job = new TestJob[1];
        job[0] = new TestJob(true, context -> {
            Gate gate = runs.throttle.gate(job[0], context);
            runs.controls.pause(job[0], "ann", null);
            Thread resumer = new Thread(() -> {
                while (context.counts().get("throttled_seconds") == 0) {
                    Thread.onSpinWait();
                }
                runs.controls.resume(job[0]);
            });
            resumer.start();
            gate.pass();
            return Result.succeeded();
        });

        RunReport report = runs.run(job[0], REQUEST);

        assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(report.counts().get("throttled_seconds")).isPositive();
        assertThat(report.problems()).singleElement().asString().contains("paused by ann");
    }

    @Test
    void waitThatLastsTooLongEndsTheRunAsInterrupted() {
        RunFixture impatient =
                new RunFixture(db, "segdiff.throttle.max-wait", "0s", "segdiff.throttle.query", "select true");
        TestJob[] job = new TestJob[1];
        job[0] = new TestJob(true, context -> {
            impatient.throttle.gate(job[0], context).pass();
            return Result.succeeded();
        });

        RunReport report = impatient.run(job[0], REQUEST);

        assertThat(report.outcome()).isEqualTo(Outcome.INTERRUPTED);
        assertThat(report.reason()).contains("segdiff.throttle.query says so");
    }

    @Test
    void operatorsQueryMayNotWriteAndItsFaultIsTold() {
        assertThat(new RunFixture(db, "segdiff.throttle.query", "insert into work values ('x') returning true")
                        .throttle.fault())
                .get()
                .asString()
                .contains("read-only transaction");
        assertThat(new RunFixture(db, "segdiff.throttle.query", "select load > 5 from nowhere").throttle.fault())
                .get()
                .asString()
                .contains("nowhere");
        assertThat(new RunFixture(db, "segdiff.throttle.query", "select count(*) > 100 from work").throttle.fault())
                .isEmpty();
    }

    @Test
    void limitSlowsARunDown() {
        TestJob[] job = new TestJob[1];
        job[0] = new TestJob(true, context -> {
            Gate gate = runs.throttle.gate(job[0], context);
            gate.pass();
            long start = System.nanoTime();
            gate.pass(50, Duration.ZERO);
            context.counts().add("millis", (System.nanoTime() - start) / 1_000_000);
            return Result.succeeded();
        });
        runs.controls.limit(job[0], 100L);

        assertThat(runs.run(job[0], REQUEST).counts().get("millis")).isGreaterThanOrEqualTo(500);

        runs.controls.limit(job[0], null);
        assertThat(runs.run(job[0], REQUEST).counts().getOrDefault("millis", 0L))
                .isLessThan(500);
    }

    @Test
    void workerThatIsCutOffWhileItRenewsItsLeaseKeepsItNoLongerThanItLasts() throws Exception {
        runs = new RunFixture(db, "segdiff.lease-duration", "1s");
        URI server = URI.create(db.url().replace("jdbc:", ""));
        try (TcpProxy proxy = new TcpProxy(server.getHost(), server.getPort())) {
            TestDatabase way = db.through(proxy.port());
            Leases cutOff = new RunFixture(way, "segdiff.lease-duration", "1s").leases;
            Lease lease = cutOff.take("chore", "cut off", 1, new Cancellation()).orElseThrow();
            proxy.stallAfter("update segdiff.leases");
            Thread renewal = new Thread(() -> assertThatThrownBy(() -> cutOff.renew(lease)));
            renewal.start();
            Await.until("it has the row, and its commit does not come through", () -> db.value("""
                            select exists (select from pg_stat_activity where datname = current_database()
                              and state = 'idle in transaction' and query like '%update segdiff.leases%')
                            """)
                    .equals("t"));

            assertThat(runs.leases.take("chore", "next", 2, new Cancellation()))
                    .hasValueSatisfying(next -> assertThat(next.token()).isGreaterThan(lease.token()));

            proxy.resume();
            renewal.join();
            way.close();
        }
    }
}
