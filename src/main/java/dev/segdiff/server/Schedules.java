package dev.segdiff.server;

import dev.segdiff.db.CancelledException;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.run.Job;
import dev.segdiff.run.JobConfig;
import dev.segdiff.run.Jobs;
import dev.segdiff.run.LogicalDay;
import dev.segdiff.run.RunConfig;
import dev.segdiff.run.RunLedger;
import dev.segdiff.run.RunRequest;
import dev.segdiff.run.Trigger;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.quarkus.scheduler.Scheduler;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * Runs each job at its moments. A moment belongs to the replica that opens its row in the ledger first; one that was
 * missed, as the database or this process was away, or whose run was interrupted, is made up for until the deadline.
 */
@ApplicationScoped
public class Schedules {
    private static final Logger LOG = Logger.getLogger(Schedules.class);

    /** How soon a missed moment is made up for. */
    private static final String CATCH_UP_INTERVAL = "15s";

    private final Scheduler scheduler;
    private final ScheduleConfig config;
    private final JobConfig jobConfig;
    private final RunConfig runConfig;
    private final Jobs jobs;
    private final LogicalDay days;
    private final RunLedger ledger;
    private final LiveRuns runs;
    private final Clock clock;
    private final Map<String, Cron> crons = new LinkedHashMap<>();
    private Instant startedAt = Instant.MAX;

    Schedules(
            Scheduler scheduler,
            ScheduleConfig config,
            JobConfig jobConfig,
            RunConfig runConfig,
            Jobs jobs,
            LogicalDay days,
            RunLedger ledger,
            LiveRuns runs,
            Clock clock) {
        this.scheduler = scheduler;
        this.config = config;
        this.jobConfig = jobConfig;
        this.runConfig = runConfig;
        this.jobs = jobs;
        this.days = days;
        this.ledger = ledger;
        this.runs = runs;
        this.clock = clock;
    }

    /**
     * Reads the schedules; nothing runs yet.
     *
     * @throws dev.segdiff.db.InvalidInputException if one is wrong
     */
    void check() {
        for (Job job : jobs.all()) {
            if (config.enabled() && jobConfig.isScheduled(job)) {
                crons.put(job.name(), cron(job));
            }
        }
    }

    private Cron cron(Job job) {
        try {
            return new Cron(jobConfig.cron(job), jobConfig.zone(job));
        } catch (IllegalArgumentException e) {
            throw jobConfig.invalidCron(
                    job, "expected a cron expression of five fields such as '5 0 * * *', or off: " + e.getMessage());
        }
    }

    void start() {
        startedAt = clock.instant();
        crons.forEach((job, cron) -> scheduler
                .newJob(job)
                .setCron(cron.expression())
                .setTimeZone(cron.zone().getId())
                .setConcurrentExecution(ConcurrentExecution.SKIP)
                .setTask(fired -> runWhatIsDue(jobs.named(job), cron))
                .schedule());
        scheduler
                .newJob("catch-up")
                .setInterval(CATCH_UP_INTERVAL)
                .setConcurrentExecution(ConcurrentExecution.SKIP)
                .setTask(fired -> crons.forEach((job, cron) -> runWhatIsDue(jobs.named(job), cron)))
                .schedule();
        scheduler.resume();
    }

    void stop() {
        scheduler.pause();
    }

    /** When the job runs next by schedule; empty if it does not. */
    public Optional<Instant> next(Job job) {
        return Optional.ofNullable(crons.get(job.name())).flatMap(cron -> cron.next(clock.instant()));
    }

    void runWhatIsDue(Job job, Cron cron) {
        Instant now = clock.instant();
        Optional<Instant> planned =
                cron.last(now).filter(moment -> moment.isAfter(now.minus(config.startingDeadline())));
        if (planned.isEmpty() || runs.isStopping() || runs.of(job.name()).isPresent()) {
            return;
        }
        try {
            // What lies before the first start was never promised.
            if (planned.get().isBefore(startedAt) && !ledger.hasBeenScheduled(job.name())) {
                return;
            }
            runs.start(job, request(planned.get()));
        } catch (JobBusyException | StoppingException | CancelledException e) {
            LOG.debugf("job=%s moment=%s waits: %s", job.name(), planned.get(), e.getMessage());
        } catch (DatabaseException e) {
            LOG.warnf("job=%s moment=%s waits: %s", job.name(), planned.get(), e.getMessage());
        }
    }

    private RunRequest request(Instant planned) {
        return new RunRequest(
                Trigger.schedule(planned), days.orToday(null), false, false, List.of(), runConfig.timeBudget());
    }
}
