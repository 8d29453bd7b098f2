package dev.segdiff.server.schedule;

import dev.segdiff.run.Job;
import dev.segdiff.run.JobConfig;
import dev.segdiff.run.Jobs;
import dev.segdiff.server.cache.DatabaseState;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.quarkus.scheduler.Scheduler;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Runs each job at its planned times, as configured. */
@ApplicationScoped
public class Schedules {
    /** How often segdiff looks for planned times that were missed. */
    private static final String CATCH_UP_INTERVAL = "15s";

    private final Scheduler scheduler;
    private final ScheduleConfig config;
    private final JobConfig jobConfig;
    private final Jobs jobs;
    private final DueRuns due;
    private final DatabaseState database;
    private final Clock clock;
    private final Map<String, Cron> crons = new LinkedHashMap<>();
    private volatile Instant startedAt = Instant.MAX;

    Schedules(
            Scheduler scheduler,
            ScheduleConfig config,
            JobConfig jobConfig,
            Jobs jobs,
            DueRuns due,
            DatabaseState database,
            Clock clock) {
        this.scheduler = scheduler;
        this.config = config;
        this.jobConfig = jobConfig;
        this.jobs = jobs;
        this.due = due;
        this.database = database;
        this.clock = clock;
    }

    /**
     * Reads the schedules, and starts nothing yet.
     *
     * @throws dev.segdiff.db.InvalidInputException if a schedule is wrong
     */
    public void check() {
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

    public void start() {
        startedAt = clock.instant();
        crons.forEach((job, cron) -> scheduler
                .newJob(job)
                .setCron(cron.expression())
                .setTimeZone(cron.zone().getId())
                .setConcurrentExecution(ConcurrentExecution.SKIP)
                .setTask(fired -> start(job, cron))
                .schedule());
        scheduler
                .newJob("catch-up")
                .setInterval(CATCH_UP_INTERVAL)
                .setConcurrentExecution(ConcurrentExecution.SKIP)
                .setTask(fired -> crons.forEach(this::start))
                .schedule();
        scheduler.resume();
    }

    /**
     * Starts a job if it is due. While the database is away nothing is started and nothing is logged, because the
     * readiness probe says so already.
     */
    private void start(String job, Cron cron) {
        if (database.fault().isEmpty()) {
            due.start(jobs.named(job), cron, startedAt);
        }
    }

    public void stop() {
        scheduler.pause();
    }

    /** When the job runs next by its schedule; empty if it has none. */
    public Optional<Instant> next(Job job) {
        return Optional.ofNullable(crons.get(job.name())).flatMap(cron -> cron.next(clock.instant()));
    }
}
