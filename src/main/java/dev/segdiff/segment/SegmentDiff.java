package dev.segdiff.segment;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Retry;
import dev.segdiff.db.Settings;
import dev.segdiff.pace.Gate;
import dev.segdiff.pace.Throttle;
import dev.segdiff.run.Counts;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Job;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.Result;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.RunRequest;
import dev.segdiff.segment.Publication.Busy;
import dev.segdiff.segment.Publication.Failed;
import dev.segdiff.segment.Publication.NotClaimed;
import dev.segdiff.segment.Publication.Published;
import dev.segdiff.segment.Publication.Suspect;
import dev.segdiff.segment.SegmentPublisher.PublishOptions;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.LocalDate;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;

/**
 * The job {@code segment-diff}, which gives every segment its version of the day. It reads the source of a segment,
 * compares the source with the snapshot, and publishes snapshot and diff together. Workers, in one process or in many,
 * share the segments.
 */
@ApplicationScoped
public class SegmentDiff implements Job {
    public static final String NAME = "segment-diff";

    private final Database database;
    private final SegmentDiffQueries queries;
    private final SegmentPublisher publisher;
    private final DiffPartitions partitions;
    private final DiffRetention retention;
    private final SegmentGoal goal;
    private final Throttle throttle;
    private final SegmentsConfig config;

    SegmentDiff(
            Database database,
            SegmentDiffQueries queries,
            SegmentPublisher publisher,
            DiffPartitions partitions,
            DiffRetention retention,
            SegmentGoal goal,
            Throttle throttle,
            SegmentsConfig config) {
        this.database = database;
        this.queries = queries;
        this.publisher = publisher;
        this.partitions = partitions;
        this.retention = retention;
        this.goal = goal;
        this.throttle = throttle;
        this.config = config;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int order() {
        return 10;
    }

    @Override
    public String cron() {
        return "5 0 * * *";
    }

    /** Several workers may run this job at the same time, because they share the segments. */
    @Override
    public boolean exclusive() {
        return false;
    }

    @Override
    public void check(RunRequest request) {
        accepted(request);
    }

    @Override
    public boolean accepts(String name) {
        return isSegment(name);
    }

    @Override
    public Result run(RunContext run) {
        LocalDate day = run.request().day();
        if (!run.request().dryRun()) {
            partitions.prepare(day);
        }
        List<DueSegment> due = database.transaction(
                session -> queries.due(session, day, run.request().force()));
        run.counts().add("due", due.size());
        List<DueSegment> missed = publishAll(run, due);
        // The workers that held these segments may have finished them, or may have given up.
        missed = publishAll(run, missed);
        if (!run.request().dryRun()) {
            retention.apply(run);
        }
        return result(run, due, missed);
    }

    @Override
    public Goal goal() {
        return goal.read();
    }

    /** Publishes the segments, several at a time, and returns those that another worker held. */
    private List<DueSegment> publishAll(RunContext run, List<DueSegment> segments) {
        ConcurrentLinkedQueue<DueSegment> queue = new ConcurrentLinkedQueue<>(segments);
        ConcurrentLinkedQueue<DueSegment> missed = new ConcurrentLinkedQueue<>();
        Set<SegmentKey> accepted = accepted(run.request());
        Gate gate = throttle.gate(this, run);
        Workers.run(Math.min(config.parallelism(), segments.size()), () -> {
            for (DueSegment segment = queue.poll(); segment != null; segment = queue.poll()) {
                gate.pass();
                Publication publication = publish(run, segment, accepted.contains(segment.key()));
                count(run, segment.key(), publication);
                if (publication instanceof NotClaimed) {
                    missed.add(segment);
                }
            }
        });
        return List.copyOf(missed);
    }

    private Publication publish(RunContext run, DueSegment segment, boolean accept) {
        Publication publication = attemptSafely(run, segment, accept);
        if (!run.request().dryRun()) {
            remember(run, segment.key(), publication);
        }
        return publication;
    }

    private Publication attemptSafely(RunContext run, DueSegment segment, boolean accept) {
        try {
            return Retry.DEFAULT.run(run.cancellation(), Retry::exceptForLocks, () -> attempt(run, segment, accept));
        } catch (DatabaseException e) {
            if (e.isLostConnection()) {
                throw e;
            } else if (e.sqlState().equals(SegmentDiffQueries.NOT_CLAIMED)) {
                return new NotClaimed();
            } else if (e.sqlState().equals(SegmentDiffQueries.OTHER_OWNER)) {
                return new Suspect(String.valueOf(e.getMessage()));
            }
            return e.isLockTimeout() ? new Busy(String.valueOf(e.getMessage())) : failed(segment, e);
        } catch (InvalidInputException e) {
            return new Failed(String.valueOf(e.getMessage()));
        }
    }

    /** Publishes one segment in one transaction. */
    private Publication attempt(RunContext run, DueSegment segment, boolean accept) {
        RunRequest request = run.request();
        if (segment.snapshotExists() && segment.unidentified() && !request.dryRun()) {
            run.inTransaction(database, session -> queries.identify(session, segment));
        }
        PublishOptions options =
                new PublishOptions(request.day(), request.force(), request.dryRun(), accept, run.runId());
        Settings settings = run.settings(publisher.settings(request.day()))
                // The commit of a segment does not wait for the disk. If the database crashes, versions of the last
                // moments may be lost. Their ids were drawn durably before and never come again, so a reader that has
                // read a lost version gets all members. Closing the run's row in the ledger makes all versions durable.
                .with("synchronous_commit", "off");
        return database.transaction(settings, run.cancellation(), session -> {
            SourceQuery source = queries.claimAndOpen(session, segment, options);
            return publisher.publish(session, segment, source, options);
        });
    }

    private Publication failed(DueSegment segment, DatabaseException e) {
        String name = String.valueOf(segment.source());
        String source = "source " + name;
        if (e.isCancelled()) {
            return new Failed("reading " + source + " took longer than segdiff.segments.source-timeout ("
                    + config.sourceTimeout().toSeconds() + " s)");
        } else if (e.isNullValue()) {
            return new Failed(source + " yields contact_id null");
        }
        String message = String.valueOf(e.getMessage());
        if (message.contains("row-level security")) {
            message += "; give the role that reads it bypassrls, or register the segment with --row-security"
                    + " if fewer rows are meant";
        }
        return new Failed(message.contains(name) ? message : source + ": " + message);
    }

    private void remember(RunContext run, SegmentKey key, Publication publication) {
        if (publication instanceof Publication.Problem problem) {
            database.inTransaction(session ->
                    queries.recordProblem(session, key, problem, run.request().day()));
        }
    }

    private static void count(RunContext run, SegmentKey key, Publication publication) {
        Counts counts = run.counts();
        if (publication instanceof Published version) {
            counts.add("published", 1);
            counts.add("baselines", version.baseline() ? 1 : 0);
            counts.add("added", version.added());
            counts.add("removed", version.removed());
        } else if (publication instanceof Publication.Problem problem) {
            counts.add(problem.kind(), 1);
            run.problem("segment " + key + " " + problem.kind() + ": " + problem.reason());
        }
    }

    private Result result(RunContext run, List<DueSegment> due, List<DueSegment> missed) {
        Counts counts = run.counts();
        LocalDate day = run.request().day();
        if (counts.get("failed") > 0) {
            return Result.of(Outcome.FAILED, "segments failed: " + counts.get("failed"));
        } else if (counts.get("held_back") > 0) {
            return Result.of(
                    Outcome.REFUSED,
                    "versions held back: " + counts.get("held_back")
                            + "; look at the sources, then let them through with --accept C/S");
        } else if (counts.get("busy") > 0) {
            return Result.of(Outcome.INTERRUPTED, "segments busy: " + counts.get("busy") + "; run again");
        } else if (due.isEmpty()) {
            return Result.of(Outcome.SKIPPED, "no segment is due for " + day);
        }
        long elsewhere = missed.isEmpty() ? 0 : database.transaction(s -> queries.stillDue(s, missed, day));
        counts.add("elsewhere", elsewhere);
        return elsewhere == 0
                ? Result.succeeded()
                : new Result(Outcome.SUCCEEDED, "segments that others work on: " + elsewhere);
    }

    /** The segments among the accepted names: names with a slash. Other names belong to other jobs. */
    private static Set<SegmentKey> accepted(RunRequest request) {
        return request.accept().stream()
                .filter(SegmentDiff::isSegment)
                .map(SegmentKey::parse)
                .collect(Collectors.toSet());
    }

    private static boolean isSegment(String name) {
        return name.contains("/");
    }
}
