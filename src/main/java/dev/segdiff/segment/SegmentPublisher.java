package dev.segdiff.segment;

import dev.segdiff.db.Database;
import dev.segdiff.db.Retry;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import dev.segdiff.run.RunConfig;
import dev.segdiff.segment.Publication.Failed;
import dev.segdiff.segment.Publication.HeldBack;
import dev.segdiff.segment.Publication.Published;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.LocalDate;
import org.jspecify.annotations.Nullable;

/** Turns the contacts that a source yields now into the next version of a segment, within one transaction. */
@ApplicationScoped
class SegmentPublisher {
    /**
     * From this many contacts on, a parallel comparison into a temporary table beats one statement; below, creating the
     * table costs more than it saves.
     */
    private static final long LARGE = 50_000;

    /**
     * An autovacuum of the snapshot is sent away by whoever has waited for {@code deadlock_timeout}, 1 s by default;
     * with less patience, the segment would be busy until the vacuum ends. Only readers of this snapshot wait behind.
     */
    private static final Duration AUTOVACUUM_GIVES_WAY = Duration.ofMillis(1500);

    private final Database database;
    private final SegmentDiffQueries queries;
    private final SegmentsConfig config;
    private final RunConfig runConfig;

    SegmentPublisher(Database database, SegmentDiffQueries queries, SegmentsConfig config, RunConfig runConfig) {
        this.database = database;
        this.queries = queries;
        this.config = config;
        this.runConfig = runConfig;
    }

    /**
     * How a version is to be published.
     *
     * @param force also when the day has its version
     * @param accept lets a version through that would be held back, or starts a new baseline where the snapshot is lost
     */
    record Order(
            LocalDate day,
            boolean force,
            boolean dryRun,
            boolean accept,
            @Nullable Long runId) {}

    /** What holds while a source is read: the logical day, its zone, and memory for the join. */
    Settings settings(LocalDate day) {
        String zone = runConfig.timeZone().getId();
        return database.defaults()
                .lockTimeoutAtLeast(AUTOVACUUM_GIVES_WAY)
                .with("statement_timeout", config.sourceTimeout().toMillis() + "ms")
                .with("TimeZone", zone)
                .with("segdiff.time_zone", zone)
                .with("segdiff.logical_day", day.toString())
                .with("work_mem", config.workMem());
    }

    /** Publishes the next version of a segment that was claimed, or marks the transaction to be rolled back. */
    Publication publish(Session session, DueSegment segment, SourceQuery source, Order order) {
        Publication publication = attempt(session, segment, source, order);
        if (order.dryRun() || !(publication instanceof Published)) {
            session.rollBackAtEnd();
        } else if (source.runsCode()) {
            session.forgetOthersSettings();
        }
        return publication;
    }

    private Publication attempt(Session session, DueSegment segment, SourceQuery source, Order order) {
        if (segment.currentVersion() != null && !segment.snapshotExists() && !order.accept()) {
            return new Failed("snapshot table " + segment.currentSnapshot() + " is missing; start anew with"
                    + " `segdiff run segment-diff --accept " + segment.key() + "`");
        } else if (!segment.snapshotExists()) {
            return baseline(session, segment, source, order);
        }
        // A dry run compares and withholds the rest, and so does not bloat the snapshot with what it rolls back.
        boolean stepwise = order.dryRun() || segment.contacts() >= LARGE;
        return stepwise
                ? stepwise(session, segment, source, order)
                : guarded(segment, queries.publishAtOnce(session, segment, source, order), order);
    }

    private Publication baseline(Session session, DueSegment segment, SourceQuery source, Order order) {
        long contacts = queries.createSnapshot(session, segment, source);
        return order.dryRun()
                ? new Published(segment.nextVersion(), contacts, 0, 0, true)
                : queries.publish(session, segment, true, order);
    }

    private Publication stepwise(Session session, DueSegment segment, SourceQuery source, Order order) {
        Publication publication = guarded(segment, queries.compare(session, segment, source), order);
        if (publication instanceof Published && !order.dryRun()) {
            queries.apply(session, segment, order.day());
            // A reader may be in the way: then only this step is tried again, not the long comparison.
            session.retryOnLockTimeout(Retry.DEFAULT, () -> queries.publish(session, segment, false, order));
        }
        return publication;
    }

    private Publication guarded(DueSegment segment, Published version, Order order) {
        return order.accept() || isUsual(segment.contacts(), version.removed())
                ? version
                : new HeldBack(segment.contacts(), version.removed());
    }

    /**
     * Whether so many contacts may leave without a person's word. Never all of them, as a source that lies mostly says
     * that there is nobody. A small segment is lively: half of it may leave, up to the floor.
     */
    private boolean isUsual(long contacts, long removed) {
        long half = (contacts + 1) / 2;
        long allowed = Math.max(config.maxRemoved().of(contacts), Math.min(config.maxRemovedFloor(), half));
        return removed == 0 || (removed < contacts && removed <= allowed);
    }
}
