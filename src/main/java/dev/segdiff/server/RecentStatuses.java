package dev.segdiff.server;

import dev.segdiff.run.Job;
import dev.segdiff.run.JobStatus;
import dev.segdiff.run.JobStatuses;
import dev.segdiff.run.Jobs;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** How each job stands, a few seconds old at most while the database is quick: for probes, metrics and the page alike. */
@ApplicationScoped
public class RecentStatuses {
    private static final Duration MAX_AGE = Duration.ofSeconds(3);
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** A goal of many parts may take longer than the patience. */
    private static final Duration TOLERANCE = Duration.ofMinutes(5);

    private final Map<String, Recent<JobStatus>> byJob;

    public RecentStatuses(Jobs jobs, JobStatuses statuses, Askers askers) {
        this.byJob = jobs.all().stream()
                .collect(Collectors.toMap(
                        Job::name, job -> new Recent<>(() -> statuses.of(job), MAX_AGE, PATIENCE, TOLERANCE, askers)));
    }

    /** @throws Recent.SlowException if the database does not answer in time */
    JobStatus of(Job job) {
        return Objects.requireNonNull(byJob.get(job.name())).get();
    }
}
