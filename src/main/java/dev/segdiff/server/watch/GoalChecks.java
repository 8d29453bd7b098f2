package dev.segdiff.server.watch;

import dev.segdiff.run.Job;
import dev.segdiff.run.JobStatus;
import dev.segdiff.run.Jobs;
import dev.segdiff.server.cache.CachedStatuses;
import io.smallrye.health.api.HealthRegistry;
import io.smallrye.health.registry.HealthRegistries;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;

/**
 * The health group {@code goals}, which has one check for each job. A check is up while the job's goal is met and a
 * recent run has succeeded. It asks the ledger and the database, so the runs of CronJobs count. Problems are only in
 * {@code status}, because they can name segments.
 */
@ApplicationScoped
public class GoalChecks {
    private static final String GROUP = "goals";

    private final Jobs jobs;
    private final CachedStatuses statuses;

    public GoalChecks(Jobs jobs, CachedStatuses statuses) {
        this.jobs = jobs;
        this.statuses = statuses;
    }

    public void register() {
        HealthRegistry registry = HealthRegistries.getHealthGroupRegistry(GROUP);
        jobs.all().forEach(job -> registry.register(job.name(), () -> check(job)));
    }

    HealthCheckResponse check(Job job) {
        HealthCheckResponseBuilder response = HealthCheckResponse.named(job.name());
        JobStatus status = statuses.of(job);
        if (status.goal().unknown()) {
            response.down().withData("goal", status.goal().summary());
        } else {
            describe(response, status);
        }
        return response.build();
    }

    private static void describe(HealthCheckResponseBuilder response, JobStatus status) {
        response.status(status.isWell()).withData("goal", status.goal().summary());
        status.goal()
                .measures()
                .forEach(measure -> response.withData(
                        measure.name()
                                + String.join(
                                        "",
                                        measure.labels().values().stream()
                                                .map(label -> "." + label)
                                                .toList()),
                        Math.round(measure.value())));
        Duration age = status.last().successAge();
        if (age == null) {
            response.withData("last_success", "never");
        } else {
            response.withData("last_success", String.valueOf(status.last().succeededAt()))
                    .withData("last_success_age_seconds", age.toSeconds());
        }
        response.withData("max_age_seconds", status.maxAge().toSeconds());
        response.withData("paused", status.control().paused() != null);
    }
}
