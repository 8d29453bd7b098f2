package dev.segdiff.server.watch;

import dev.segdiff.db.DatabaseException;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Job;
import dev.segdiff.run.JobHistory;
import dev.segdiff.run.JobHistory.Last;
import dev.segdiff.run.JobStatus;
import dev.segdiff.run.Jobs;
import dev.segdiff.run.Measure;
import dev.segdiff.run.RunContext;
import dev.segdiff.server.cache.CachedAnswer;
import dev.segdiff.server.cache.CachedStatuses;
import dev.segdiff.server.cache.DatabaseIsBack;
import dev.segdiff.server.cache.ProbeExecutor;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import io.prometheus.client.Collector;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * The metrics from the ledger and the database, read when Prometheus asks. They include the runs of pods that no longer
 * exist, and every replica tells the same.
 */
@ApplicationScoped
public class LedgerCollector {
    private static final Logger LOG = Logger.getLogger(LedgerCollector.class);

    /**
     * The label with the name of a job. It is not "job", because Prometheus itself gives this label to everything that
     * it scrapes.
     */
    private static final String LABEL = "job_name";

    private static final Duration MAX_AGE = Duration.ofSeconds(3);
    private static final Duration MAX_WAIT = Duration.ofSeconds(2);

    private final PrometheusMeterRegistry registry;
    private final Jobs jobs;
    private final CachedStatuses statuses;
    private final CachedAnswer<List<JobHistory.Total>> totals;
    private final CachedAnswer<List<Measure>> measures;

    public LedgerCollector(
            PrometheusMeterRegistry registry,
            Jobs jobs,
            CachedStatuses statuses,
            JobHistory history,
            DatabaseMeasures databaseMeasures,
            ProbeExecutor probes) {
        this.registry = registry;
        this.jobs = jobs;
        this.statuses = statuses;
        this.totals = new CachedAnswer<>(history::totals, MAX_AGE, MAX_WAIT, Duration.ZERO, probes);
        this.measures = new CachedAnswer<>(databaseMeasures::read, MAX_AGE, MAX_WAIT, Duration.ZERO, probes);
    }

    void askAgain(@Observes DatabaseIsBack event) {
        totals.askAgain();
        measures.askAgain();
    }

    public void register() {
        registry.getPrometheusRegistry().register(new OnScrape());
    }

    private final class OnScrape extends Collector implements Collector.Describable {
        @Override
        public List<MetricFamilySamples> collect() {
            return LedgerCollector.this.collect();
        }

        /** Returns no names, because the database may be away when the collector is registered. */
        @Override
        public List<MetricFamilySamples> describe() {
            return List.of();
        }
    }

    /**
     * Reads the metrics. While the database is away, the numbers from it are missing, because old numbers would look
     * like present ones.
     */
    private List<Collector.MetricFamilySamples> collect() {
        MetricFamilies families = new MetricFamilies();
        CachedStatuses.Begun begun = statuses.begin();
        Supplier<List<JobHistory.Total>> allTotals = totals.begin();
        Supplier<List<Measure>> allMeasures = measures.begin();
        boolean ledger = told(() -> allTotals.get().forEach(total -> add(families, total)));
        boolean server = told(() -> allMeasures.get().forEach(measure -> add(families, "", measure)));
        boolean up = ledger || server;
        families.gauge("database_up", "Whether the database answered this scrape.", Map.of(), up ? 1 : 0);
        if (up) {
            jobs.all().forEach(job -> add(families, job, begun.of(job)));
        }
        return families.all();
    }

    /** Whether the numbers are known in time; if not, they are missing. */
    private static boolean told(Runnable telling) {
        try {
            telling.run();
            return true;
        } catch (CachedAnswer.SlowException | DatabaseException e) {
            LOG.debug("metrics", e);
            return false;
        }
    }

    private static void add(MetricFamilies families, Job job, JobStatus status) {
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
                "job_last_completion_timestamp_seconds", "When a run last ended, however.", labels, last.completedAt());
        Duration took = last.took();
        if (took != null) {
            families.gauge("job_last_duration_seconds", "How long that run took.", labels, took.toMillis() / 1000.0);
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
        families.gauge("job_running", "Whether the newest run lives.", labels, running ? 1 : 0);
        Goal goal = status.goal();
        goal.measures().forEach(measure -> add(families, snake(job.name()) + "_", measure));
    }

    private static void add(MetricFamilies families, String prefix, Measure measure) {
        families.gauge(prefix + measure.name(), measure.help(), measure.labels(), measure.value());
    }

    private static void add(MetricFamilies families, JobHistory.Total total) {
        if (total.name().equals(RunContext.THROTTLED_SECONDS)) {
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
                        "Time that runs have yielded to the application.",
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
