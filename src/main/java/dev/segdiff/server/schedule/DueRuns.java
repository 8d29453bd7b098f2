package dev.segdiff.server.schedule;

import dev.segdiff.db.CancelledException;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.run.Job;
import dev.segdiff.run.LogicalDay;
import dev.segdiff.run.PlannedRuns;
import dev.segdiff.run.RunConfig;
import dev.segdiff.run.RunOrigin;
import dev.segdiff.run.RunRequest;
import dev.segdiff.server.live.JobBusyException;
import dev.segdiff.server.live.LiveRuns;
import dev.segdiff.server.live.StoppingException;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * Starts the runs that schedules have planned. A planned time belongs to the replica that first opens its row in the
 * ledger. If a planned time was missed because the database or this process was away, or if its run was interrupted, it
 * is made up for until the deadline segdiff.schedule.starting-deadline.
 */
@ApplicationScoped
public class DueRuns {
    private static final Logger LOG = Logger.getLogger(DueRuns.class);

    private final ScheduleConfig config;
    private final RunConfig runConfig;
    private final LogicalDay days;
    private final PlannedRuns planned;
    private final LiveRuns runs;
    private final Clock clock;

    public DueRuns(
            ScheduleConfig config,
            RunConfig runConfig,
            LogicalDay days,
            PlannedRuns planned,
            LiveRuns runs,
            Clock clock) {
        this.config = config;
        this.runConfig = runConfig;
        this.days = days;
        this.planned = planned;
        this.runs = runs;
        this.clock = clock;
    }

    /**
     * Starts the run for the last planned time of a schedule, unless it has been made or its time is too long ago.
     *
     * @param since when this process started its schedules. An earlier planned time counts only if the job's last
     *     scheduled run came from the same schedule; otherwise a new schedule would at once make up for a time before
     *     it was set up.
     */
    void start(Job job, Cron cron, Instant since) {
        Instant now = clock.instant();
        Optional<Instant> moment = cron.last(now).filter(last -> last.isAfter(now.minus(config.startingDeadline())));
        if (moment.isPresent() && !runs.isStopping() && runs.of(job.name()).isEmpty()) {
            attempt(job, cron, moment.get(), since);
        }
    }

    private void attempt(Job job, Cron cron, Instant moment, Instant since) {
        try {
            boolean promised = !moment.isBefore(since) || planned.isScheduledBy(job.name(), cron.toString());
            if (promised && planned.isOpen(job.name(), moment)) {
                runs.start(job, request(cron, moment));
            }
        } catch (JobBusyException | StoppingException | CancelledException e) {
            LOG.debugf("job=%s moment=%s waits: %s", job.name(), moment, e.getMessage());
        } catch (DatabaseException e) {
            LOG.warnf("job=%s moment=%s waits: %s", job.name(), moment, e.getMessage());
        } catch (RuntimeException e) {
            // Schedules asks for the jobs one after the other: one that cannot start must not keep the next ones back.
            LOG.errorf(e, "job=%s moment=%s cannot start", job.name(), moment);
        }
    }

    private RunRequest request(Cron cron, Instant moment) {
        return new RunRequest(
                RunOrigin.schedule(cron.toString(), moment),
                days.orToday(null),
                false,
                false,
                List.of(),
                runConfig.timeBudget());
    }
}
