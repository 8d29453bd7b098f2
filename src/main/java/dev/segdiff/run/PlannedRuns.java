package dev.segdiff.run;

import dev.segdiff.db.Database;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;

/** What the ledger knows of the times for which a schedule has planned runs. */
@ApplicationScoped
public class PlannedRuns {
    /**
     * How long after its end an interrupted scheduled run is tried again. The pause is there because the cause of the
     * interruption may still be there.
     */
    private static final Duration RETRY_AFTER = Duration.ofMinutes(1);

    /**
     * The largest number of runs for one planned time: as many as a Kubernetes Job makes with the default backoffLimit.
     */
    private static final int MAX_ATTEMPTS = 7;

    /**
     * The SQL condition that a planned time still needs a run: it has no run, or fewer than MAX_ATTEMPTS, all of which
     * were interrupted more than a minute ago and not by a person or the time budget. A run whose process has vanished
     * counts as interrupted.
     */
    static final String OPEN = """
            (select count(*) < %d and coalesce(bool_and(coalesce(
                    case when r.ended_at is null
                        then r.stop_requested_by is null
                             and r.heartbeat_at < clock_timestamp() - make_interval(secs => %d)
                        else r.resumes
                             and r.ended_at < clock_timestamp() - make_interval(secs => %d) end, false)), true)
             from segdiff.runs r where r.job = asked.job and r.planned_at = asked.planned_at)
            """.formatted(MAX_ATTEMPTS, RunLedger.LOST_AFTER.toSeconds(), RETRY_AFTER.toSeconds());

    private final Database database;

    public PlannedRuns(Database database) {
        this.database = database;
    }

    /**
     * Whether a planned time of a schedule still needs a run, because it has none or because its run was interrupted.
     */
    public boolean isOpen(String job, Instant plannedAt) {
        return database.transaction(session -> session.one(
                "select " + OPEN + " from (select ?, ?::timestamptz) as asked (job, planned_at)",
                row -> row.getBoolean(1),
                job,
                plannedAt.atOffset(ZoneOffset.UTC)));
    }

    /** Whether the newest scheduled run of the job came from this schedule: the same cron expression and time zone. */
    public boolean isScheduledBy(String job, String schedule) {
        return database.transaction(session -> session.first(
                        "select schedule from segdiff.runs where job = ? and planned_at is not null"
                                + " order by run_id desc limit 1",
                        row -> row.getString(1),
                        job))
                .filter(schedule::equals)
                .isPresent();
    }
}
