package dev.segdiff.run;

import jakarta.enterprise.context.ApplicationScoped;

/** Reads how a job stands, from the ledger and the database. */
@ApplicationScoped
public class JobStatuses {
    private final RunLedger ledger;
    private final JobHistory history;
    private final JobControls controls;
    private final JobConfig config;

    public JobStatuses(RunLedger ledger, JobHistory history, JobControls controls, JobConfig config) {
        this.ledger = ledger;
        this.history = history;
        this.controls = controls;
        this.config = config;
    }

    public JobStatus of(Job job) {
        return new JobStatus(
                job.name(),
                job.goal(),
                history.last(job),
                config.maxAge(job),
                controls.of(job),
                ledger.last(job.name()).orElse(null));
    }
}
