package dev.segdiff.run;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.CancelledException;
import dev.segdiff.db.DatabaseException;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Runs a job, every time in the same way: row in the ledger, lease, heartbeat, time budget, the job itself, outcome,
 * one line in the log.
 */
@ApplicationScoped
public class JobRunner {
    private static final Logger LOG = Logger.getLogger(JobRunner.class);

    private final RunLedger ledger;
    private final Leases leases;
    private final JobControls controls;

    public JobRunner(RunLedger ledger, Leases leases, JobControls controls) {
        this.ledger = ledger;
        this.leases = leases;
        this.controls = controls;
    }

    /**
     * Runs a job to its end. The run is skipped if the job is paused, or if the job is exclusive and another worker
     * runs it.
     *
     * @param cancellation asks the run to end early
     * @param progress is told about the run every 200 ms while it runs
     * @throws dev.segdiff.db.InvalidInputException if the job cannot serve the request; then nothing was touched
     */
    public RunReport run(Job job, RunRequest request, Cancellation cancellation, Consumer<RunContext> progress) {
        return finish(job, open(job, request, cancellation).orElseThrow(), progress);
    }

    /**
     * The first half of a run: opens its row in the ledger, and does nothing else.
     *
     * @return empty if another worker has opened the run for this planned time of the schedule
     * @throws dev.segdiff.db.InvalidInputException if the job cannot serve the request; nothing was touched then
     */
    public Optional<RunContext> open(Job job, RunRequest request, Cancellation cancellation) {
        job.check(request);
        OptionalLong runId = ledger.open(job.name(), request, worker());
        return runId.isEmpty()
                ? Optional.empty()
                : Optional.of(new RunContext(runId.getAsLong(), request, cancellation));
    }

    /** The second half of a run: does the work to its end, and closes the row in the ledger. */
    public RunReport finish(Job job, RunContext run, Consumer<RunContext> progress) {
        try {
            Result result;
            try (Heartbeat heartbeat = Heartbeat.of(ledger, leases, run, progress)) {
                result = resultOf(job, run);
            }
            return close(run, result);
        } finally {
            Optional.ofNullable(run.lease()).ifPresent(this::release);
        }
    }

    /** Gives the lease back. If that fails, the lease ends by itself; the outcome of the run stays as it is. */
    private void release(Lease lease) {
        try {
            leases.release(lease);
        } catch (DatabaseException e) {
            LOG.warnf("job=%s the lease stays until it expires: %s", lease.job(), e.getMessage());
        }
    }

    /** Who runs an exclusive job at this moment, in words; empty if nobody does. */
    public Optional<String> runsElsewhere(Job job) {
        return job.exclusive() ? leases.present(job.name()) : Optional.empty();
    }

    private Result resultOf(Job job, RunContext run) {
        try {
            return runJob(job, run);
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
            return Result.of(Outcome.FAILED, "an error within segdiff, told in the log: " + e.getMessage());
        }
    }

    /**
     * Runs the job, unless it is paused or runs elsewhere. A dry run changes nothing, so it may run beside other runs
     * and while the job is paused.
     */
    private Result runJob(Job job, RunContext run) {
        if (!run.request().dryRun()) {
            String paused = controls.of(job).paused();
            if (paused != null) {
                return Result.of(Outcome.SKIPPED, paused);
            } else if (job.exclusive() && !hold(job, run)) {
                run.cancellation().check();
                return Result.of(Outcome.SKIPPED, "runs elsewhere: " + leases.holder(job.name()));
            }
        }
        run.begin();
        return job.run(run);
    }

    private boolean hold(Job job, RunContext run) {
        Optional<Lease> lease = leases.take(job.name(), worker(), run.runId(), run.cancellation());
        lease.ifPresent(run::hold);
        return lease.isPresent();
    }

    private RunReport close(RunContext run, Result result) {
        RunReport report = ledger.close(run, result);
        log(report, run.request().origin());
        return report;
    }

    private static void log(RunReport report, RunOrigin origin) {
        long millis = Objects.requireNonNull(report.duration()).toMillis();
        LOG.infof(
                "run=%d job=%s day=%s trigger=%s outcome=%s duration=%d.%03ds counts=%s%s",
                report.runId(),
                report.job(),
                report.day(),
                origin,
                report.outcome(),
                millis / 1000,
                millis % 1000,
                report.counts(),
                report.reason() == null ? "" : " reason=\"" + report.reason() + '"');
    }

    /**
     * The name of this worker: its host and its process id. In Kubernetes the host is the name of the pod, so people
     * can find the pod.
     */
    private static String worker() {
        String host = Objects.requireNonNullElse(System.getenv("HOSTNAME"), "localhost");
        return host + ":" + ProcessHandle.current().pid();
    }
}
