package dev.segdiff.run;

/** A chore, such as event-expiry, that runs daily or on demand and then ends. Its SQL is in its classes of queries. */
public interface Job {
    /**
     * The name of the job, a noun in kebab case such as "event-expiry". It is the same in arguments, URLs, leases,
     * metrics, manifests and runbooks.
     */
    String name();

    /** The place of the job among the daily jobs. A job on which others build has a smaller number. */
    int order();

    /**
     * When {@code serve} runs the job unless configured otherwise: a cron expression of five fields, as in a CronJob.
     */
    String cron();

    /** Whether only one worker may run the job at a time. Other workers that start it are skipped. */
    default boolean exclusive() {
        return true;
    }

    /**
     * Refuses a request that this job cannot serve, before anything is touched.
     *
     * @throws dev.segdiff.db.InvalidInputException if the job cannot serve the request
     */
    void check(RunRequest request);

    /**
     * Whether this name, given with {@code --accept}, can mean something that this job holds back. Example:
     * segment-diff accepts the names of segments, such as 7/42.
     */
    default boolean accepts(String name) {
        return false;
    }

    /** Does the work. An exception ends the run as FAILED. */
    Result run(RunContext context);

    /** Reads from the database whether the job's goal is met now. */
    Goal goal();
}
