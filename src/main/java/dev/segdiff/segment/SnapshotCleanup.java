package dev.segdiff.segment;

import dev.segdiff.db.Database;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Session;
import dev.segdiff.pace.Gate;
import dev.segdiff.pace.Steps;
import dev.segdiff.pace.Steps.Step;
import dev.segdiff.pace.Throttle;
import dev.segdiff.run.Counts;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Job;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.Result;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.RunRequest;
import dev.segdiff.segment.SnapshotCleanupQueries.Orphan;
import dev.segdiff.trash.Trash;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;

/**
 * The job {@code snapshot-cleanup}, which removes segments that nobody uses any more. Their snapshots, and snapshot
 * tables that no segment knows, first go to the trash, and are dropped after they have waited there. Each table is
 * handled in a transaction of its own.
 */
@ApplicationScoped
public class SnapshotCleanup implements Job {
    public static final String NAME = "snapshot-cleanup";

    private final Database database;
    private final SnapshotCleanupQueries queries;
    private final Trash trash;
    private final SnapshotCleanupGoal goal;
    private final Throttle throttle;
    private final Steps steps;
    private final SegmentsConfig config;

    SnapshotCleanup(
            Database database,
            SnapshotCleanupQueries queries,
            Trash trash,
            SnapshotCleanupGoal goal,
            Throttle throttle,
            Steps steps,
            SegmentsConfig config) {
        this.database = database;
        this.queries = queries;
        this.trash = trash;
        this.goal = goal;
        this.throttle = throttle;
        this.steps = steps;
        this.config = config;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int order() {
        return 20;
    }

    @Override
    public String cron() {
        return "15 2 * * *";
    }

    @Override
    public void check(RunRequest request) {
        if (config.unusedAfter().compareTo(Duration.ofDays(1)) < 0) {
            throw new InvalidInputException("segdiff.segments.unused-after is " + config.unusedAfter()
                    + ", expected a day or more: a segment is used once a day");
        }
    }

    @Override
    public Result run(RunContext run) {
        if (!run.request().dryRun()) {
            run.inTransaction(database, queries::noteOrphans);
        }
        Gate gate = throttle.gate(this, run);
        steps.each(run, gate, found(session -> queries.unused(session, config.unusedAfter())), trashSegment());
        steps.each(run, gate, found(session -> queries.orphans(session, config.orphanGrace())), trashOrphan());
        for (Trash.Kind kind : List.of(Trash.Kind.SNAPSHOT, Trash.Kind.ORPHAN)) {
            steps.each(
                    run,
                    gate,
                    found(session -> trash.due(session, kind, config.trashAfter())),
                    trash.dropStep("dropped", config.trashAfter()));
        }
        return result(run.counts());
    }

    @Override
    public Goal goal() {
        return goal.read();
    }

    private <T> List<T> found(Function<Session, List<T>> query) {
        return database.transaction(query);
    }

    private Step<SegmentKey> trashSegment() {
        return new Step<>(
                "trashed",
                key -> "segment " + key,
                key -> SnapshotCleanupQueries.TRASH_SEGMENT,
                (session, key) -> queries.trash(session, key, config.unusedAfter()));
    }

    private Step<Orphan> trashOrphan() {
        return new Step<>(
                "orphans_trashed",
                Orphan::name,
                orphan -> Trash.MOVE,
                (session, orphan) -> queries.trash(session, orphan, config.orphanGrace()));
    }

    private Result result(Counts counts) {
        if (counts.get("failed") > 0) {
            return Result.of(Outcome.FAILED, "tables failed: " + counts.get("failed"));
        } else if (counts.get("busy") > 0) {
            return new Result(Outcome.SUCCEEDED, "busy, left for the next run: " + counts.get("busy"));
        } else if (counts.get("trashed") + counts.get("orphans_trashed") + counts.get("dropped") == 0) {
            return Result.of(
                    Outcome.SKIPPED,
                    "no segment is unused for %d days, nothing has waited in the trash for %d days"
                            .formatted(
                                    config.unusedAfter().toDays(),
                                    config.trashAfter().toDays()));
        }
        return Result.succeeded();
    }
}
