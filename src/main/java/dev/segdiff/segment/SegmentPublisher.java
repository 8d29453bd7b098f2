package dev.segdiff.segment;

import dev.segdiff.db.Database;
import dev.segdiff.db.Retry;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import dev.segdiff.run.RunConfig;
import dev.segdiff.segment.Publication.Failed;
import dev.segdiff.segment.Publication.HeldBack;
import dev.segdiff.segment.Publication.Published;
import dev.segdiff.segment.SegmentDiffQueries.Changes;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.LocalDate;
import org.jspecify.annotations.Nullable;

/** Turns the contacts that a source yields now into the next version of a claimed segment, within one transaction. */
@ApplicationScoped
class SegmentPublisher {
    /**
     * From this many contacts on, a parallel comparison into a temporary table beats one statement; below, creating the
     * table costs more than it saves.
     */
    private static final long LARGE = 50_000;

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
     * @param accept lets a version through that would be held back, or starts a new baseline where the snapshot is lost
     */
    record Order(
            LocalDate day,
            boolean dryRun,
            boolean accept,
            @Nullable Long runId) {}

    /** What holds while a source is read: the logical day, its zone, and memory for the join. */
    Settings settings(LocalDate day) {
        String zone = runConfig.timeZone().getId();
        return database.defaults()
                .with("statement_timeout", config.sourceTimeout().toMillis() + "ms")
                .with("TimeZone", zone)
                .with("segdiff.time_zone", zone)
                .with("segdiff.logical_day", day.toString())
                .with("work_mem", config.workMem())
                // Compiling a join of two columns takes longer than it saves.
                .with("jit", "off");
    }

    /** Publishes the next version, or marks the transaction to be rolled back. */
    Publication publish(Session session, Claim claim, SourceQuery source, Order order) {
        Publication publication = attempt(session, claim, source, order);
        if (order.dryRun() || !(publication instanceof Published)) {
            session.rollBackAtEnd();
        }
        return publication;
    }

    private Publication attempt(Session session, Claim claim, SourceQuery source, Order order) {
        if (claim.currentVersion() == null) {
            return baseline(session, claim, source, order);
        }
        if (!claim.snapshotExists()) {
            return order.accept()
                    ? baseline(session, claim, source, order)
                    : new Failed("snapshot table " + claim.currentSnapshot() + " is missing; start anew with"
                            + " `segdiff run segment-diff --accept " + claim.key() + "`");
        }
        return nextVersion(session, claim, source, order);
    }

    private Publication baseline(Session session, Claim claim, SourceQuery source, Order order) {
        long contacts = queries.createSnapshot(session, claim, source);
        Published version = new Published(claim.nextVersion(), contacts, 0, 0, true);
        if (!order.dryRun()) {
            queries.publish(session, claim, version, order.day(), order.runId());
        }
        return version;
    }

    private Publication nextVersion(Session session, Claim claim, SourceQuery source, Order order) {
        // A dry run compares and withholds the rest, and so does not bloat the snapshot with what it rolls back.
        boolean stepwise = order.dryRun() || claim.contacts() >= LARGE;
        Changes changes = stepwise
                ? queries.compare(session, claim, source)
                : queries.compareAndApply(session, claim, source, order.day());
        if (changes.nulls() > 0) {
            return new Failed("source " + source.name() + " yields contact_id null");
        }
        if (!order.accept() && isHeldBack(claim, changes)) {
            return new HeldBack(claim.contacts(), changes.removed());
        }
        if (stepwise && !order.dryRun()) {
            queries.apply(session, claim, order.day());
        }
        long contacts = claim.contacts() + changes.added() - changes.removed();
        Published version = new Published(claim.nextVersion(), contacts, changes.added(), changes.removed(), false);
        if (order.dryRun()) {
            return version;
        } else if (stepwise) {
            // A reader may be in the way: then only this step is tried again, not the long comparison.
            session.retryOnLockTimeout(
                    Retry.DEFAULT, () -> queries.publish(session, claim, version, order.day(), order.runId()));
        } else {
            queries.publish(session, claim, version, order.day(), order.runId());
        }
        return version;
    }

    private boolean isHeldBack(Claim claim, Changes changes) {
        return changes.removed()
                > Math.max(config.maxRemovedFloor(), config.maxRemoved().of(claim.contacts()));
    }
}
