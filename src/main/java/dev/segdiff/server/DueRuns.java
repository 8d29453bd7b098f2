package dev.segdiff.server;

import dev.segdiff.db.CancelledException;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.run.Job;
import dev.segdiff.run.LogicalDay;
import dev.segdiff.run.RunConfig;
import dev.segdiff.run.RunLedger;
import dev.segdiff.run.RunRequest;
import dev.segdiff.run.Trigger;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * Starts what a schedule has promised. A moment belongs to the replica that opens its row in the ledger first; one that was
 * missed, as the database or this process was away, or whose run was interrupted, is made up for until the deadline.
 */
@ApplicationScoped
public class DueRuns {
    private static final Logger LOG = Logger.getLogger(DueRuns.class);

    private final ScheduleConfig config;
    private final RunConfig runConfig;
    private final LogicalDay days;
    private final RunLedger ledger;
    private final LiveRuns runs;
    private final Clock clock;
    private final Instant bornAt;

    public DueRuns(
            ScheduleConfig config, RunConfig runConfig, LogicalDay days, RunLedger ledger, LiveRuns runs, Clock clock) {
        this.config = config;
        this.runConfig = runConfig;
        this.days = days;
        this.ledger = ledger;
        this.runs = runs;
        this.clock = clock;
        this.bornAt = clock.instant();
    }

    /** Starts the run for the last moment of a schedule, unless that was done, or is too long ago. */
    void start(Job job, Cron cron) {
        Instant now = clock.instant();
        Optional<Instant> moment = cron.last(now).filter(last -> last.isAfter(now.minus(config.startingDeadline())));
        if (moment.isPresent() && !runs.isStopping() && runs.of(job.name()).isEmpty()) {
            attempt(job, moment.get());
        }
    }

    private void attempt(Job job, Instant moment) {
        try {
            // What lies before the first start was never promised.
            if (!moment.isBefore(bornAt) || ledger.hasBeenScheduled(job.name())) {
                runs.start(job, request(moment));
            }
        } catch (JobBusyException | StoppingException | CancelledException e) {
            LOG.debugf("job=%s moment=%s waits: %s", job.name(), moment, e.getMessage());
        } catch (DatabaseException e) {
            LOG.warnf("job=%s moment=%s waits: %s", job.name(), moment, e.getMessage());
        }
    }

    private RunRequest request(Instant moment) {
        return new RunRequest(
                Trigger.schedule(moment), days.orToday(null), false, false, List.of(), runConfig.timeBudget());
    }
}
