package dev.segdiff.run;

import dev.segdiff.db.DatabaseException;
import jakarta.enterprise.context.ApplicationScoped;

/** Reads the status of jobs from the ledger and the database. */
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

    /**
     * The status of a job. If a part of it cannot be found out, this part is unknown, and the status of other jobs can
     * still be shown.
     *
     * @throws DatabaseException if the database cannot be reached
     */
    public JobStatus of(Job job) {
        try {
            return new JobStatus(
                    job.name(),
                    goal(job),
                    history.last(job),
                    config.maxAge(job),
                    controls.of(job),
                    ledger.last(job.name()).orElse(null));
        } catch (DatabaseException e) {
            return unknown(job, reason(e));
        }
    }

    /** The status of a job about which nothing can be found out now. */
    public JobStatus unknown(Job job, String why) {
        return new JobStatus(
                job.name(),
                Goal.unknown(why),
                JobHistory.Last.UNKNOWN,
                config.maxAge(job),
                JobControls.Control.NONE,
                null);
    }

    private static Goal goal(Job job) {
        try {
            return job.goal();
        } catch (DatabaseException e) {
            return Goal.unknown(reason(e));
        }
    }

    /**
     * Why a query failed. If the database cannot be reached, the exception is thrown on, because the other queries
     * would fail, too.
     */
    private static String reason(DatabaseException e) {
        if (e.isLostConnection()) {
            throw e;
        }
        return String.valueOf(e.getMessage());
    }
}
