package dev.segdiff.server.watch;

import dev.segdiff.run.Goal;
import dev.segdiff.run.Job;
import dev.segdiff.run.JobHistory;
import dev.segdiff.run.JobHistory.Last;
import dev.segdiff.run.JobStatus;
import dev.segdiff.run.Measure;
import dev.segdiff.run.RunNotes;
import java.time.Duration;
import java.util.Map;

/** The names and texts of the metrics of jobs, and the numbers that belong to them. */
final class JobMetrics {
    /**
     * The label with the name of a job. It is not "job", because Prometheus itself gives this label to everything that
     * it scrapes.
     */
    private static final String LABEL = "job_name";

    private JobMetrics() {}

    static void add(MetricFamilies families, Job job, JobStatus status) {
        Map<String, String> labels = Map.of(LABEL, job.name());
        families.gauge(
                "job_goal_met",
                "Whether the goal is met now.",
                labels,
                status.goal().met() ? 1 : 0);
        if (status.goal().unknown()) {
            return;
        }
        Last last = status.last();
        families.time(
                "job_last_success_timestamp_seconds",
                "When a run last succeeded or found nothing to do.",
                labels,
                last.succeededAt());
        families.time(
                "job_last_completion_timestamp_seconds",
                "When a run last ended, with any outcome.",
                labels,
                last.completedAt());
        Duration took = last.took();
        if (took != null) {
            families.gauge(
                    "job_last_duration_seconds",
                    "How long the run that ended last took.",
                    labels,
                    took.toMillis() / 1000.0);
        }
        families.gauge(
                "job_max_age_seconds",
                "How old the last success may be: segdiff.health.max-age.JOB.",
                labels,
                status.maxAge().toSeconds());
        families.gauge(
                "job_paused",
                "Whether the job is paused.",
                labels,
                status.control().paused() == null ? 0 : 1);
        boolean running = status.lastRun() != null && status.lastRun().lives();
        families.gauge("job_running", "Whether the newest run is in progress.", labels, running ? 1 : 0);
        Goal goal = status.goal();
        goal.measures().forEach(measure -> add(families, snake(job.name()) + "_", measure));
    }

    static void add(MetricFamilies families, String prefix, Measure measure) {
        families.gauge(prefix + measure.name(), measure.help(), measure.labels(), measure.value());
    }

    static void add(MetricFamilies families, JobHistory.Total total) {
        if (total.name().equals(RunNotes.THROTTLED_SECONDS)) {
            return;
        }
        switch (total.kind()) {
            case "outcome" ->
                families.counter(
                        "runs",
                        "Runs that have ended.",
                        Map.of(LABEL, total.job(), "outcome", total.name()),
                        total.total());
            case "wait" ->
                families.counter(
                        "throttled_seconds",
                        "Seconds that runs have waited to spare the application.",
                        Map.of(LABEL, total.job(), "reason", total.name()),
                        total.total());
            default ->
                families.counter(
                        "job_work",
                        "What runs have counted: rows, batches, contacts, tables.",
                        Map.of(LABEL, total.job(), "count", total.name()),
                        total.total());
        }
    }

    private static String snake(String job) {
        return job.replace('-', '_');
    }
}
