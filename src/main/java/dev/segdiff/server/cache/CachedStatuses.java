package dev.segdiff.server.cache;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Retry;
import dev.segdiff.run.Job;
import dev.segdiff.run.JobStatus;
import dev.segdiff.run.JobStatuses;
import dev.segdiff.run.Jobs;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The statuses of all jobs for probes, metrics and the page. They are a few seconds old at most while the database is
 * quick.
 */
@ApplicationScoped
public class CachedStatuses {
    private static final Logger LOG = Logger.getLogger(CachedStatuses.class);

    private static final Duration MAX_AGE = Duration.ofSeconds(3);
    private static final Duration MAX_WAIT = Duration.ofSeconds(2);

    /**
     * Callers who ask within this time share the same questions. The time is longer than the patience, because waiting
     * for the first of several answers may use up the patience.
     */
    private static final Duration MAX_WAIT_FOR_ALL = MAX_WAIT.plusMillis(500);

    /** How old an answer may be if the new one is late. A goal of many parts may take longer than the patience. */
    private static final Duration MAX_STALE_AGE = Duration.ofMinutes(5);

    /**
     * How often a question is tried again. An idle connection of the pool may belong to a server that is gone, and the
     * next connection does not.
     */
    private static final Retry RETRY = new Retry(2, Duration.ofMillis(50));

    private final Map<String, CachedAnswer<JobStatus>> byJob;
    private final JobStatuses statuses;
    private @Nullable Begun together;

    public CachedStatuses(Jobs jobs, JobStatuses statuses, ProbeExecutor probes) {
        this.statuses = statuses;
        this.byJob = jobs.all().stream()
                .collect(Collectors.toMap(
                        Job::name,
                        job -> new CachedAnswer<>(() -> read(job), MAX_AGE, MAX_WAIT, MAX_STALE_AGE, probes)));
    }

    /** The questions for all jobs, which have been asked and may not be answered yet. */
    public final class Begun {
        private final long at = System.nanoTime();
        private final Map<String, Supplier<JobStatus>> answers = byJob.entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, recent -> recent.getValue().begin()));

        /** The status of a job; an unknown status if it cannot be found out in time. */
        public JobStatus of(Job job) {
            try {
                return Objects.requireNonNull(answers.get(job.name())).get();
            } catch (CachedAnswer.SlowException e) {
                return statuses.unknown(job, String.valueOf(e.getMessage()));
            } catch (DatabaseException e) {
                LOG.debugf(e, "status of %s", job.name());
                return statuses.unknown(job, "the database cannot be asked");
            }
        }
    }

    /** Asks for the statuses of all jobs, and does not wait for the answers. */
    public Begun begin() {
        return new Begun();
    }

    /**
     * The status of a job; an unknown status if it cannot be found out in time. A caller who asks for one job after the
     * other waits no longer than for one.
     */
    public JobStatus of(Job job) {
        return together().of(job);
    }

    private synchronized Begun together() {
        Begun present = together;
        if (present == null || System.nanoTime() - present.at > MAX_WAIT_FOR_ALL.toNanos()) {
            present = begin();
            together = present;
        }
        return present;
    }

    synchronized void askAgain(@Observes DatabaseIsBack event) {
        together = null;
        byJob.values().forEach(CachedAnswer::askAgain);
    }

    private JobStatus read(Job job) {
        return RETRY.run(new Cancellation(), DatabaseException::isLostConnection, () -> statuses.of(job));
    }
}
