package dev.segdiff.pace;

import dev.segdiff.run.Job;
import dev.segdiff.run.JobControls;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.WaitReason;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;

/**
 * Knows whether a run has to wait: because the application is under pressure, or because people have paused the job.
 */
@ApplicationScoped
public class Throttle {
    private final JobControls controls;
    private final ThrottleQueries queries;
    private final ThrottleConfig config;

    public Throttle(JobControls controls, ThrottleQueries queries, ThrottleConfig config) {
        this.controls = controls;
        this.queries = queries;
        this.config = config;
    }

    /** The error of the configured query segdiff.throttle.query; empty if the query works. */
    public Optional<String> fault() {
        return queries.fault();
    }

    /** The gate that a run passes between its steps. */
    public Gate gate(Job job, RunContext run) {
        return new Gate(this, job, run);
    }

    /** What people have set for the job: a pause, or a limit of rows per second. */
    JobControls.Control control(Job job) {
        return controls.of(job);
    }

    /**
     * Why a run has to wait now, by the state of the server or by the operator's query segdiff.throttle.query; empty if
     * the run may go on.
     */
    Optional<WaitReason> reason() {
        return queries.reason();
    }

    /** How long a run waits at one stretch before the run ends as interrupted. */
    Duration maxWait() {
        return config.maxWait();
    }
}
