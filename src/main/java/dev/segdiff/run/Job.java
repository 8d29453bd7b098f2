package dev.segdiff.run;

/** A chore that runs daily or on demand, and ends. Its SQL lies in its queries. */
public interface Job {
    /** The one identifier everywhere: argument, URL, lease, metric tag, manifest, runbook. A kebab-case noun. */
    String name();

    /** The place among the daily jobs; what others build on comes first. */
    int order();

    /** When it runs unless configured otherwise: a cron expression of five fields, as in a CronJob. */
    String cron();

    /** Whether only one worker may run it at a time; others are skipped. */
    default boolean exclusive() {
        return true;
    }

    /**
     * Refuses a request that this job cannot serve, before anything is touched.
     *
     * @throws dev.segdiff.db.InvalidInputException if so
     */
    void check(RunRequest request);

    /** Whether this is the name of something that this job may hold back, in the form that {@code --accept} takes. */
    default boolean accepts(String name) {
        return false;
    }

    /** Does the work. An exception ends the run as FAILED. */
    Result run(RunContext context);

    /** The state of the goal now. */
    Goal goal();
}
