package dev.segdiff.pace;

import dev.segdiff.db.CancelledException;
import dev.segdiff.run.Job;
import dev.segdiff.run.JobControls;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.WaitCause;
import dev.segdiff.run.WaitReason;
import java.time.Duration;
import java.util.Optional;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The place between two steps of a run where the run waits while the application is under pressure or the job is
 * paused. All workers of a run share one gate.
 */
public final class Gate {
    private static final Logger LOG = Logger.getLogger(Gate.class);

    /**
     * How often the gate asks the server. One question costs the server less than a millisecond. Asking more often
     * would cost more and tell nothing new. Asking less often would notice pressure too late.
     */
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    private final Throttle throttle;
    private final Job job;
    private final RunContext run;
    private long askedAt = System.nanoTime() - INTERVAL.toNanos();
    private @Nullable Long rowsPerSecond;

    Gate(Throttle throttle, Job job, RunContext run) {
        this.throttle = throttle;
        this.job = job;
        this.run = run;
    }

    /**
     * Waits until the run may go on. Between two questions to the server, which are a second apart, the gate is open.
     *
     * @throws CancelledException if the run is to end, or has waited for longer than segdiff.throttle.max-wait
     */
    public synchronized void pass() {
        run.cancellation().check();
        if (System.nanoTime() - askedAt >= INTERVAL.toNanos()) {
            waitWhile();
            askedAt = System.nanoTime();
        }
    }

    /**
     * Passes the gate after a step, and first sleeps if people have limited the rows per second of the job.
     *
     * @param rows how many rows the step worked on
     * @param took how long the step took; this time counts towards the limit
     */
    public void pass(long rows, Duration took) {
        Long limit = rowsPerSecond;
        if (limit != null) {
            run.cancellation().sleep(Duration.ofMillis(rows * 1000 / limit).minus(took));
        }
        pass();
    }

    /**
     * Sleeps for a second because another session waits for this run, or has locked what this run needs. In this
     * second, all sessions that queue for the lock get their turn.
     */
    public void yieldTo(WaitCause whom) {
        LOG.debugf("run=%d job=%s yields to %s", run.runId(), job.name(), whom);
        run.notes().throttled(WaitReason.of(whom), INTERVAL);
        run.cancellation().sleep(INTERVAL);
    }

    private void waitWhile() {
        long start = System.nanoTime();
        Duration maxWait = throttle.maxWait();
        WaitCause told = null;
        for (Optional<WaitReason> reason = reason(); reason.isPresent(); reason = reason()) {
            WaitReason why = reason.get();
            if (why.cause() != told) {
                LOG.infof("run=%d job=%s waits: %s", run.runId(), job.name(), why.text());
                told = why.cause();
            }
            if (System.nanoTime() - start >= maxWait.toNanos()) {
                throw new CancelledException("waited for " + maxWait + ": " + why.text());
            }
            run.cancellation().sleep(INTERVAL);
            run.notes().throttled(why, INTERVAL);
        }
        if (told != null) {
            LOG.infof("run=%d job=%s goes on", run.runId(), job.name());
        }
    }

    private Optional<WaitReason> reason() {
        JobControls.Control control = throttle.control(job);
        rowsPerSecond = control.rowsPerSecond();
        return control.paused() != null
                ? Optional.of(new WaitReason(WaitCause.PAUSED, control.paused()))
                : throttle.reason();
    }
}
