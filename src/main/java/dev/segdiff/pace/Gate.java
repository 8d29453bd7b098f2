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
 * Stands between the steps of one run, and is shared by its workers. While the application has a hard time, or while the
 * job is paused, nobody passes.
 */
public final class Gate {
    private static final Logger LOG = Logger.getLogger(Gate.class);

    /** Asking costs the server less than a millisecond; more often would be noise, less often would be late. */
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
     * Returns when the run may go on.
     *
     * @throws CancelledException if it is to end, or has waited for too long
     */
    public synchronized void pass() {
        run.cancellation().check();
        if (System.nanoTime() - askedAt >= INTERVAL.toNanos()) {
            waitWhile();
            askedAt = System.nanoTime();
        }
    }

    /** Passes after a step of so many rows, and not sooner than people allow. */
    public void pass(long rows, Duration took) {
        Long limit = rowsPerSecond;
        if (limit != null) {
            run.cancellation().sleep(Duration.ofMillis(rows * 1000 / limit).minus(took));
        }
        pass();
    }

    /** Somebody waited for us: gives everybody in that queue time to get through. */
    public void yieldTo(WaitCause whom) {
        LOG.debugf("run=%d job=%s yields to %s", run.runId(), job.name(), whom);
        run.throttled(WaitReason.of(whom), INTERVAL);
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
            run.throttled(why, INTERVAL);
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
