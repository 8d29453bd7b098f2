package dev.segdiff.server;

import dev.segdiff.run.Job;
import dev.segdiff.run.JobConfig;
import dev.segdiff.run.Jobs;
import dev.segdiff.run.RunConfig;
import dev.segdiff.run.RunOrigin;
import dev.segdiff.run.RunRequest;
import dev.segdiff.server.access.Tokens;
import dev.segdiff.server.cache.DatabaseState;
import dev.segdiff.server.live.LiveRuns;
import dev.segdiff.server.schedule.Schedules;
import dev.segdiff.server.watch.GoalChecks;
import dev.segdiff.server.watch.LedgerCollector;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.LocalDate;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Starts and stops the parts of {@code serve}: it checks the configuration, opens HTTP and the schedules, and closes
 * them in order.
 */
@ApplicationScoped
public class Serving {
    private static final Logger LOG = Logger.getLogger(Serving.class);

    private static final long RETRY_MILLIS = 2000;

    private final Jobs jobs;
    private final JobConfig jobConfig;
    private final RunConfig runConfig;
    private final Schedules schedules;
    private final LiveRuns runs;
    private final Tokens tokens;
    private final GoalChecks goals;
    private final LedgerCollector metrics;
    private final DatabaseState database;
    private final String host;
    private final int port;
    private final CountDownLatch stopRequested = new CountDownLatch(1);
    private volatile boolean started;

    Serving(
            Jobs jobs,
            JobConfig jobConfig,
            RunConfig runConfig,
            Schedules schedules,
            LiveRuns runs,
            Tokens tokens,
            GoalChecks goals,
            LedgerCollector metrics,
            DatabaseState database,
            @ConfigProperty(name = "quarkus.http.host") String host,
            @ConfigProperty(name = "quarkus.http.port") int port) {
        this.jobs = jobs;
        this.jobConfig = jobConfig;
        this.runConfig = runConfig;
        this.schedules = schedules;
        this.runs = runs;
        this.tokens = tokens;
        this.goals = goals;
        this.metrics = metrics;
        this.database = database;
        this.host = host;
        this.port = port;
    }

    /**
     * Serves until it is asked to stop, and then ends the runs in progress.
     *
     * @throws dev.segdiff.db.InvalidInputException if the configuration is wrong
     */
    public void run() {
        jobs.all().forEach(this::check);
        schedules.check();
        tokens.load();
        goals.register();
        metrics.register();
        schedules.start();
        started = true;
        LOG.infof("listens on http://%s:%d; %s", host, port, tokens.describe());
        awaitDatabase();
        await();
        LOG.info("stops");
        schedules.stop();
        runs.stop("SIGTERM");
    }

    /** Asks {@code run()} to return soon. It may be called from any thread. */
    public void stop() {
        stopRequested.countDown();
    }

    boolean isStarted() {
        return started;
    }

    /** Checks the configuration of a job, so that a mistake shows at the start and not in the first run. */
    private void check(Job job) {
        job.check(new RunRequest(RunOrigin.COMMAND, LocalDate.EPOCH, false, true, List.of(), runConfig.timeBudget()));
        jobConfig.maxAge(job);
    }

    /** Waits for the database and brings its schema up to date, even if no probe asks. */
    private void awaitDatabase() {
        while (database.fault().isPresent()) {
            try {
                if (stopRequested.await(RETRY_MILLIS, TimeUnit.MILLISECONDS)) {
                    return;
                }
            } catch (InterruptedException e) {
                stop();
            }
        }
    }

    private void await() {
        try {
            stopRequested.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
