package dev.segdiff.server.page;

import dev.segdiff.db.DatabaseException;
import dev.segdiff.event.EventExpiry;
import dev.segdiff.index.IndexReporter;
import dev.segdiff.index.IndexState;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Job;
import dev.segdiff.run.JobStatus;
import dev.segdiff.run.Jobs;
import dev.segdiff.run.RunLedger;
import dev.segdiff.run.RunReport;
import dev.segdiff.segment.SegmentTrends;
import dev.segdiff.segment.SegmentTrends.Trend;
import dev.segdiff.server.cache.CachedAnswer;
import dev.segdiff.server.cache.CachedStatuses;
import dev.segdiff.server.cache.DatabaseIsBack;
import dev.segdiff.server.cache.DatabaseState;
import dev.segdiff.server.cache.ProbeExecutor;
import dev.segdiff.server.live.RunLookup;
import dev.segdiff.server.page.PageView.Cell;
import dev.segdiff.server.page.PageView.JobCard;
import dev.segdiff.server.page.PageView.LiveRun;
import dev.segdiff.server.page.PageView.Viewer;
import dev.segdiff.server.schedule.Schedules;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/** Reads the content of the page. */
@ApplicationScoped
public class PageViews {
    private static final Logger LOG = Logger.getLogger(PageViews.class);

    private static final int STRIP = 30;
    private static final int TRENDS = 8;
    private static final int TREND_DAYS = 30;
    private static final Duration STRIP_MAX_AGE = Duration.ofSeconds(1);
    private static final int INDEXES = 8;
    private static final Duration TRENDS_MAX_AGE = Duration.ofSeconds(30);
    private static final Duration MAX_WAIT = Duration.ofSeconds(2);
    private static final Duration MAX_STALE_AGE = Duration.ofMinutes(5);

    private static final Map<String, String> SIGNS = Map.of(
            "SUCCEEDED",
            "✓",
            "SKIPPED",
            "–",
            "FAILED",
            "×",
            "REFUSED",
            "!",
            "INTERRUPTED",
            "‖",
            "RUNNING",
            "▸",
            "LOST",
            "?");

    private final Jobs jobs;
    private final CachedStatuses statuses;
    private final Schedules schedules;
    private final RunLookup lookup;
    private final DatabaseState database;
    private final Clock clock;
    private final CachedAnswer<Map<String, List<RunReport>>> strips;
    private final CachedAnswer<List<Trend>> trends;
    private final CachedAnswer<List<IndexState>> indexes;

    PageViews(
            Jobs jobs,
            CachedStatuses statuses,
            Schedules schedules,
            RunLookup lookup,
            DatabaseState database,
            RunLedger ledger,
            SegmentTrends segmentTrends,
            IndexReporter indexReporter,
            Clock clock,
            ProbeExecutor probes) {
        this.jobs = jobs;
        this.statuses = statuses;
        this.schedules = schedules;
        this.lookup = lookup;
        this.database = database;
        this.clock = clock;
        this.strips = new CachedAnswer<>(
                () -> jobs.names().stream().collect(Collectors.toMap(name -> name, name -> ledger.latest(name, STRIP))),
                STRIP_MAX_AGE,
                MAX_WAIT,
                MAX_STALE_AGE,
                probes);
        this.trends = new CachedAnswer<>(
                () -> segmentTrends.liveliest(TRENDS, TREND_DAYS), TRENDS_MAX_AGE, MAX_WAIT, MAX_STALE_AGE, probes);
        this.indexes =
                new CachedAnswer<>(() -> indexReporter.worst(INDEXES), TRENDS_MAX_AGE, MAX_WAIT, MAX_STALE_AGE, probes);
    }

    /**
     * Reads each part of the page by itself. A part that is late or fails is missing or shown as unknown, and the other
     * parts are there.
     */
    PageView read(Viewer viewer) {
        CachedStatuses.Begun begun = statuses.begin();
        Supplier<Map<String, List<RunReport>>> allStrips = strips.begin();
        Supplier<List<Trend>> allTrends = trends.begin();
        Supplier<List<IndexState>> allIndexes = indexes.begin();
        String fault = database.fault().orElse(null);
        Map<String, List<RunReport>> runs = known(allStrips, Map.of());
        List<JobCard> cards = jobs.all().stream()
                .map(job -> card(begun.of(job), nextRun(job), runs.getOrDefault(job.name(), List.of())))
                .toList();
        boolean living = cards.stream().anyMatch(card -> card.live() != null);
        return new PageView(
                viewer,
                fault,
                living,
                cards,
                known(allTrends, List.of()).stream().map(TrendRow::of).toList(),
                backlogs(begun),
                known(allIndexes, List.of()).stream().map(IndexRow::of).toList());
    }

    void askAgain(@Observes DatabaseIsBack event) {
        List.of(strips, trends, indexes).forEach(CachedAnswer::askAgain);
    }

    private static <T> T known(Supplier<T> part, T otherwise) {
        try {
            return part.get();
        } catch (CachedAnswer.SlowException | DatabaseException e) {
            LOG.warnf("page: %s", e.getMessage());
            return otherwise;
        }
    }

    private JobCard card(JobStatus status, String nextRun, List<RunReport> runs) {
        Goal goal = status.goal();
        List<Cell> strip = new ArrayList<>(runs.stream().map(this::cell).toList());
        Collections.reverse(strip);
        return new JobCard(
                status.job(),
                mood(status),
                badge(status),
                goal.summary(),
                status.job().equals(EventExpiry.NAME) ? List.of() : goal.details(),
                goal.problems(),
                lastSuccess(status),
                nextRun,
                status.control().paused(),
                strip,
                living(runs).orElse(null));
    }

    private static String mood(JobStatus status) {
        if (status.goal().unknown()) {
            return "unknown";
        }
        return status.isWell() ? "well" : "missed";
    }

    private static String lastSuccess(JobStatus status) {
        Duration age = status.last().successAge();
        if (age == null) {
            return status.goal().unknown() ? "unknown" : "never";
        }
        return Phrases.age(age) + " ago";
    }

    private static String badge(JobStatus status) {
        if (status.goal().unknown()) {
            return "unknown";
        }
        if (!status.goal().met()) {
            return "goal missed";
        }
        return status.isStale() ? "no success for too long" : "goal met";
    }

    private String nextRun(Job job) {
        return schedules
                .next(job)
                .map(next -> Phrases.until(next, clock.instant()))
                .orElse("not scheduled here");
    }

    private Cell cell(RunReport run) {
        String state = run.state();
        String title = "run " + run.runId() + ", " + run.day() + ": " + state.toLowerCase(Locale.ROOT)
                + (run.dryRun() ? " (dry run)" : "") + (run.reason() == null ? "" : ", " + run.reason());
        return new Cell(
                run.runId(),
                state.toLowerCase(Locale.ROOT) + (run.dryRun() ? " dry" : ""),
                SIGNS.getOrDefault(state, "?"),
                title);
    }

    private Optional<LiveRun> living(List<RunReport> runs) {
        return runs.stream().filter(RunReport::lives).findFirst().map(run -> {
            Map<String, Long> counts = lookup.now(run).counts();
            Duration since = Duration.between(run.startedAt().toInstant(), clock.instant());
            return new LiveRun(
                    run.runId(), Phrases.age(since), counts.isEmpty() ? "it has begun" : Phrases.counts(counts));
        });
    }

    private List<BacklogRow> backlogs(CachedStatuses.Begun begun) {
        return jobs.find(EventExpiry.NAME)
                .map(expiry -> BacklogRow.of(begun.of(expiry).goal().measures()))
                .orElse(List.of());
    }
}
