package dev.segdiff.run;

import dev.segdiff.db.CancelledException;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Lets a run go no further while the application has a hard time, or people say so. */
@ApplicationScoped
public class Throttle {
    private static final Logger LOG = Logger.getLogger(Throttle.class);

    /** Asking costs the server less than a millisecond; more often would be noise, less often would be late. */
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    private final JobControls controls;
    private final ThrottleQueries queries;
    private final ThrottleConfig config;

    public Throttle(JobControls controls, ThrottleQueries queries, ThrottleConfig config) {
        this.controls = controls;
        this.queries = queries;
        this.config = config;
    }

    /** What is wrong with the configured query, if anything is. */
    public Optional<String> fault() {
        return queries.fault();
    }

    /** Why a run yields. */
    public enum Cause {
        PAUSED("the job is paused"),
        REPLICATION_LAG("replication lag"),
        WAL_ARCHIVER("WAL archiver"),
        QUERY("segdiff.throttle.query"),
        LOCK("a lock that another holds"),
        WAITERS("somebody who waits for rows that a batch has locked");

        private final String text;

        Cause(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** A cause, and what people should know of it. */
    record Reason(Cause cause, String text) {}

    /** The gate that a run passes between its steps. */
    public Gate gate(Job job, RunContext run) {
        return new Gate(job, run);
    }

    /** For one run; its workers may share it. */
    public final class Gate {
        private final Job job;
        private final RunContext run;
        private long askedAt = System.nanoTime() - INTERVAL.toNanos();
        private @Nullable Long rowsPerSecond;

        private Gate(Job job, RunContext run) {
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
        public void yieldTo(Cause whom) {
            LOG.debugf("run=%d job=%s yields to %s", run.runId(), job.name(), whom);
            run.throttled(new Reason(whom, whom.toString()), INTERVAL);
            run.cancellation().sleep(INTERVAL);
        }

        private void waitWhile() {
            long start = System.nanoTime();
            Cause told = null;
            for (Optional<Reason> reason = reason(); reason.isPresent(); reason = reason()) {
                Reason why = reason.get();
                if (why.cause() != told) {
                    LOG.infof("run=%d job=%s waits: %s", run.runId(), job.name(), why.text());
                    told = why.cause();
                }
                if (System.nanoTime() - start >= config.maxWait().toNanos()) {
                    throw new CancelledException("waited for " + config.maxWait() + ": " + why.text());
                }
                run.cancellation().sleep(INTERVAL);
                run.throttled(why, INTERVAL);
            }
            if (told != null) {
                LOG.infof("run=%d job=%s goes on", run.runId(), job.name());
            }
        }

        private Optional<Reason> reason() {
            JobControls.Control control = controls.of(job);
            rowsPerSecond = control.rowsPerSecond();
            return control.paused() != null
                    ? Optional.of(new Reason(Cause.PAUSED, control.paused()))
                    : queries.reason();
        }
    }
}
