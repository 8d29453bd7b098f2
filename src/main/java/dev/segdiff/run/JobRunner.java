package dev.segdiff.run;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.CancelledException;
import dev.segdiff.db.DatabaseException;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Leads every run the same way: ledger row, lease, heartbeat, time budget, the job, outcome, one line in the log. */
@ApplicationScoped
public class JobRunner {
    private static final Logger LOG = Logger.getLogger(JobRunner.class);

    /** How often a listener hears of a living run; quick enough to look alive. */
    private static final long PROGRESS_MILLIS = 200;

    private final RunLedger ledger;
    private final Leases leases;
    private final JobControls controls;

    public JobRunner(RunLedger ledger, Leases leases, JobControls controls) {
        this.ledger = ledger;
        this.leases = leases;
        this.controls = controls;
    }

    /**
     * Runs a job to its end, unless it is paused, or exclusive and runs elsewhere: then it is skipped.
     *
     * @param cancellation asks the run to end early
     * @param progress hears of the run while it lives
     * @throws dev.segdiff.db.InvalidInputException if the job cannot serve the request; nothing was touched then
     */
    public RunReport run(Job job, RunRequest request, Cancellation cancellation, Consumer<RunContext> progress) {
        return finish(job, open(job, request, cancellation).orElseThrow(), progress);
    }

    /**
     * The first half of a run: it is in the ledger, and nothing else has happened.
     *
     * @return empty if another worker makes the run for this moment of the schedule
     * @throws dev.segdiff.db.InvalidInputException if the job cannot serve the request; nothing was touched then
     */
    public Optional<RunContext> open(Job job, RunRequest request, Cancellation cancellation) {
        job.check(request);
        OptionalLong runId = ledger.open(job.name(), request, worker());
        return runId.isEmpty()
                ? Optional.empty()
                : Optional.of(new RunContext(runId.getAsLong(), request, cancellation));
    }

    /** The second half of a run, to its end. */
    public RunReport finish(Job job, RunContext run, Consumer<RunContext> progress) {
        if (run.request().dryRun()) {
            return lead(job, run, null, progress);
        }
        String paused = controls.of(job).paused();
        if (paused != null) {
            return close(run, Result.of(Outcome.SKIPPED, paused));
        } else if (!job.exclusive()) {
            return lead(job, run, null, progress);
        }
        Optional<Lease> lease = leases.take(job.name(), worker(), run.runId(), run.cancellation());
        if (lease.isEmpty()) {
            return close(run, Result.of(Outcome.SKIPPED, "runs elsewhere: " + leases.holder(job.name())));
        }
        try {
            run.hold(lease.get());
            return lead(job, run, lease.get(), progress);
        } finally {
            leases.release(lease.get());
        }
    }

    /** Who runs an exclusive job at this moment, for people. */
    public Optional<String> runsElsewhere(Job job) {
        return job.exclusive() ? leases.present(job.name()) : Optional.empty();
    }

    private RunReport lead(Job job, RunContext context, @Nullable Lease lease, Consumer<RunContext> progress) {
        context.begin();
        ScheduledExecutorService clock =
                Executors.newSingleThreadScheduledExecutor(daemon("segdiff-run-" + context.runId()));
        try {
            long heartbeat = heartbeatMillis(lease);
            clock.scheduleAtFixedRate(() -> beat(context, lease), heartbeat, heartbeat, TimeUnit.MILLISECONDS);
            clock.scheduleAtFixedRate(
                    () -> progress.accept(context), PROGRESS_MILLIS, PROGRESS_MILLIS, TimeUnit.MILLISECONDS);
            Duration budget = context.request().timeBudget();
            clock.schedule(
                    () -> context.cancellation().request("time budget of " + budget + " used up"),
                    budget.toMillis(),
                    TimeUnit.MILLISECONDS);
            Result result = attempt(job, context);
            clock.shutdownNow();
            return close(context, result);
        } finally {
            clock.shutdownNow();
            awaitEnd(clock);
        }
    }

    /** A heartbeat under way must not renew a lease that has been given back. */
    private static void awaitEnd(ScheduledExecutorService clock) {
        try {
            if (!clock.awaitTermination(RunLedger.HEARTBEAT.toSeconds(), TimeUnit.SECONDS)) {
                LOG.warn("a heartbeat hangs");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private RunReport close(RunContext context, Result result) {
        context.waits().forEach(context::problem);
        RunReport report = ledger.close(context, result);
        log(report, context.request().trigger());
        return report;
    }

    /** A lease outlives five heartbeats that came to nothing. */
    private static long heartbeatMillis(@Nullable Lease lease) {
        long longest = RunLedger.HEARTBEAT.toMillis();
        return lease == null
                ? longest
                : Math.max(1, Math.min(longest, lease.duration().toMillis() / 6));
    }

    private static Result attempt(Job job, RunContext context) {
        try {
            return job.run(context);
        } catch (CancelledException e) {
            return Result.of(Outcome.INTERRUPTED, String.valueOf(e.getMessage()));
        } catch (DatabaseException e) {
            if (RunContext.isEndedBy(e)) {
                return Result.of(Outcome.INTERRUPTED, String.valueOf(e.getMessage()));
            }
            LOG.debug("job failed", e);
            return Result.of(Outcome.FAILED, String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            LOG.error("job failed", e);
            return Result.of(Outcome.FAILED, e.toString());
        }
    }

    private void beat(RunContext context, @Nullable Lease lease) {
        try {
            if (lease != null && !leases.renew(lease)) {
                context.cancellation().request("lost the lease to " + leases.holder(lease.job()));
            }
            ledger.beat(context).ifPresent(by -> context.cancellation().request("stopped by " + by));
        } catch (DatabaseException e) {
            LOG.warnf("run %d: heartbeat failed: %s", context.runId(), e.getMessage());
        }
    }

    private static void log(RunReport report, Trigger trigger) {
        long millis = Objects.requireNonNull(report.duration()).toMillis();
        LOG.infof(
                "run=%d job=%s day=%s trigger=%s outcome=%s duration=%d.%03ds counts=%s%s",
                report.runId(),
                report.job(),
                report.day(),
                trigger,
                report.outcome(),
                millis / 1000,
                millis % 1000,
                report.counts(),
                report.reason() == null ? "" : " reason=\"" + report.reason() + '"');
    }

    /** Host and process: what an operator needs to find the pod. */
    private static String worker() {
        String host = Objects.requireNonNullElse(System.getenv("HOSTNAME"), "localhost");
        return host + ":" + ProcessHandle.current().pid();
    }

    private static java.util.concurrent.ThreadFactory daemon(String name) {
        return work -> {
            Thread thread = new Thread(work, name);
            thread.setDaemon(true);
            return thread;
        };
    }
}
