package dev.segdiff.server.watch;

import dev.segdiff.db.DatabaseException;
import dev.segdiff.run.JobHistory;
import dev.segdiff.run.Jobs;
import dev.segdiff.run.Measure;
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
        boolean ledger = told(() -> allTotals.get().forEach(total -> JobMetrics.add(families, total)));
        boolean server = told(() -> allMeasures.get().forEach(measure -> JobMetrics.add(families, "", measure)));
        boolean up = ledger || server;
        families.gauge("database_up", "Whether the database answered this scrape.", Map.of(), up ? 1 : 0);
        if (up) {
            jobs.all().forEach(job -> JobMetrics.add(families, job, begun.of(job)));
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
}
