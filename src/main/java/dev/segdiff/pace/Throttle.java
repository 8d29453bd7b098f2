package dev.segdiff.pace;

import dev.segdiff.run.Job;
import dev.segdiff.run.JobControls;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.WaitReason;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;

/** Lets a run go no further while the application has a hard time, or people say so. */
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

    /** What is wrong with the configured query, if anything is. */
    public Optional<String> fault() {
        return queries.fault();
    }

    /** The gate that a run passes between its steps. */
    public Gate gate(Job job, RunContext run) {
        return new Gate(this, job, run);
    }

    /** What people have said of the job: pause, or not faster than this. */
    JobControls.Control control(Job job) {
        return controls.of(job);
    }

    /** What the server, or the operator's query, has against going on now. */
    Optional<WaitReason> reason() {
        return queries.reason();
    }

    /** How long a run waits before it gives up. */
    Duration maxWait() {
        return config.maxWait();
    }
}
