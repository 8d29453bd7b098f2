package dev.segdiff.run;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.CancelledException;
import dev.segdiff.db.DatabaseException;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Objects;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/** Leads every run the same way: ledger row, heartbeat, time budget, the job, outcome, one line in the log. */
@ApplicationScoped
public class JobRunner {
    private static final Logger LOG = Logger.getLogger(JobRunner.class);

    /** How often a listener hears of a living run; quick enough to look alive. */
    private static final long PROGRESS_MILLIS = 200;

    private final RunLedger ledger;

    public JobRunner(RunLedger ledger) {
        this.ledger = ledger;
    }

    /**
     * Runs a job to its end.
     *
     * @param cancellation asks the run to end early
     * @param progress hears of the run while it lives
     * @throws dev.segdiff.db.InvalidInputException if the job cannot serve the request; nothing was touched then
     */
    public RunReport run(Job job, RunRequest request, Cancellation cancellation, Consumer<RunContext> progress) {
        job.check(request);
        long runId = ledger.open(job.name(), request, worker());
        RunContext context = new RunContext(runId, request, cancellation);
        ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(daemon("segdiff-run-" + runId));
        try {
            clock.scheduleAtFixedRate(() -> beat(context), 5, RunLedger.HEARTBEAT.toSeconds(), TimeUnit.SECONDS);
            clock.scheduleAtFixedRate(
                    () -> progress.accept(context), PROGRESS_MILLIS, PROGRESS_MILLIS, TimeUnit.MILLISECONDS);
            clock.schedule(
                    () -> cancellation.request("time budget of " + request.timeBudget() + " used up"),
                    request.timeBudget().toMillis(),
                    TimeUnit.MILLISECONDS);
            Result result = attempt(job, context);
            clock.shutdownNow();
            RunReport report = ledger.close(context, result);
            log(report);
            return report;
        } finally {
            clock.shutdownNow();
        }
    }

    private static Result attempt(Job job, RunContext context) {
        try {
            return job.run(context);
        } catch (CancelledException e) {
            return Result.of(Outcome.INTERRUPTED, String.valueOf(e.getMessage()));
        } catch (DatabaseException e) {
            LOG.debug("job failed", e);
            return Result.of(Outcome.FAILED, String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            LOG.error("job failed", e);
            return Result.of(Outcome.FAILED, e.toString());
        }
    }

    private void beat(RunContext context) {
        try {
            ledger.beat(context);
        } catch (DatabaseException e) {
            LOG.warnf("run %d: heartbeat failed: %s", context.runId(), e.getMessage());
        }
    }

    private static void log(RunReport report) {
        long millis = Objects.requireNonNull(report.duration()).toMillis();
        LOG.infof(
                "run=%d job=%s day=%s outcome=%s duration=%d.%03ds counts=%s%s",
                report.runId(),
                report.job(),
                report.day(),
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
