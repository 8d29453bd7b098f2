package dev.segdiff.server;

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
import dev.segdiff.server.PageView.Cell;
import dev.segdiff.server.PageView.JobCard;
import dev.segdiff.server.PageView.LiveRun;
import dev.segdiff.server.PageView.Viewer;
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

/** Reads what the page shows. */
@ApplicationScoped
public class PageViews {
    private static final Logger LOG = Logger.getLogger(PageViews.class);

    private static final int STRIP = 30;
    private static final int TRENDS = 8;
    private static final int TREND_DAYS = 30;
    private static final Duration STRIP_MAX_AGE = Duration.ofSeconds(1);
    private static final int INDEXES = 8;
    private static final Duration TRENDS_MAX_AGE = Duration.ofSeconds(30);
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final Duration TOLERANCE = Duration.ofMinutes(5);

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
    private final RecentStatuses statuses;
    private final Schedules schedules;
    private final RunLookup lookup;
    private final DatabaseState database;
    private final Clock clock;
    private final Recent<Map<String, List<RunReport>>> strips;
    private final Recent<List<Trend>> trends;
    private final Recent<List<IndexState>> indexes;

    PageViews(
            Jobs jobs,
            RecentStatuses statuses,
            Schedules schedules,
            RunLookup lookup,
            DatabaseState database,
            RunLedger ledger,
            SegmentTrends segmentTrends,
            IndexReporter indexReporter,
            Clock clock,
            Askers askers) {
        this.jobs = jobs;
        this.statuses = statuses;
        this.schedules = schedules;
        this.lookup = lookup;
        this.database = database;
        this.clock = clock;
        this.strips = new Recent<>(
                () -> jobs.names().stream().collect(Collectors.toMap(name -> name, name -> ledger.latest(name, STRIP))),
                STRIP_MAX_AGE,
                PATIENCE,
                TOLERANCE,
                askers);
        this.trends = new Recent<>(
                () -> segmentTrends.liveliest(TRENDS, TREND_DAYS), TRENDS_MAX_AGE, PATIENCE, TOLERANCE, askers);
        this.indexes = new Recent<>(() -> indexReporter.worst(INDEXES), TRENDS_MAX_AGE, PATIENCE, TOLERANCE, askers);
    }

    /** Each part by itself: what is late or fails is missing, or told as unknown, and the rest is there. */
    PageView read(Viewer viewer) {
        RecentStatuses.Begun begun = statuses.begin();
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
        List.of(strips, trends, indexes).forEach(Recent::askAgain);
    }

    private static <T> T known(Supplier<T> part, T otherwise) {
        try {
            return part.get();
        } catch (Recent.SlowException | DatabaseException e) {
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
        return Words.age(age) + " ago";
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
                .map(next -> Words.until(next, clock.instant()))
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
            return new LiveRun(run.runId(), Words.age(since), counts.isEmpty() ? "it has begun" : Words.counts(counts));
        });
    }

    private List<BacklogRow> backlogs(RecentStatuses.Begun begun) {
        return jobs.find(EventExpiry.NAME)
                .map(expiry -> BacklogRow.of(begun.of(expiry).goal().measures()))
                .orElse(List.of());
    }
}
