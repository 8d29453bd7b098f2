package dev.segdiff.server;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Retry;
import dev.segdiff.run.Job;
import dev.segdiff.run.JobStatus;
import dev.segdiff.run.JobStatuses;
import dev.segdiff.run.Jobs;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/** How each job stands, a few seconds old at most while the database is quick: for probes, metrics and the page alike. */
@ApplicationScoped
public class RecentStatuses {
    private static final Logger LOG = Logger.getLogger(RecentStatuses.class);

    private static final Duration MAX_AGE = Duration.ofSeconds(3);
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** A goal of many parts may take longer than the patience. */
    private static final Duration TOLERANCE = Duration.ofMinutes(5);

    /** A connection that has rested can be one of a server that is gone; the next one is not. */
    private static final Retry RETRY = new Retry(2, Duration.ofMillis(50));

    private final Map<String, Recent<JobStatus>> byJob;
    private final JobStatuses statuses;

    public RecentStatuses(Jobs jobs, JobStatuses statuses, Askers askers) {
        this.statuses = statuses;
        this.byJob = jobs.all().stream()
                .collect(Collectors.toMap(
                        Job::name, job -> new Recent<>(() -> read(job), MAX_AGE, PATIENCE, TOLERANCE, askers)));
    }

    /** Asks for all, and does not wait. */
    void begin() {
        byJob.values().forEach(Recent::begin);
    }

    /** How a job stands, or that it is unknown. Who asks for one asks for all soon, so that all are known as soon as one. */
    JobStatus of(Job job) {
        begin();
        try {
            return Objects.requireNonNull(byJob.get(job.name())).get();
        } catch (Recent.SlowException e) {
            return statuses.unknown(job, String.valueOf(e.getMessage()));
        } catch (DatabaseException e) {
            LOG.debugf(e, "status of %s", job.name());
            return statuses.unknown(job, "the database cannot be asked");
        }
    }

    private JobStatus read(Job job) {
        return RETRY.run(new Cancellation(), DatabaseException::isLostConnection, () -> statuses.of(job));
    }
}
