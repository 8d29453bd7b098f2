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

/** Makes the next version of a segment from the contacts that its source has now, in one transaction. */
@ApplicationScoped
class SegmentPublisher {
    /**
     * The number of contacts from which on a parallel comparison into a temporary table is faster than one statement.
     * For fewer contacts, creating the table costs more than it saves.
     */
    private static final long LARGE = 50_000;

    /**
     * How long the publication waits for a lock at least. A session that has waited for {@code deadlock_timeout}, 1 s
     * by default, makes an autovacuum of the snapshot give way. With a shorter wait, the segment would be busy until
     * the vacuum ends. Only readers of this snapshot queue up behind the publication.
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
     * @param force whether to publish even if the segment has its version of the day
     * @param accept whether to let a version through that would be held back, or to start a new baseline if the
     *     snapshot is lost
     */
    record PublishOptions(
            LocalDate day,
            boolean force,
            boolean dryRun,
            boolean accept,
            @Nullable Long runId) {}

    /** The settings while a source is read: the logical day, its time zone, and the memory for the join. */
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
    Publication publish(Session session, DueSegment segment, SourceQuery source, PublishOptions options) {
        Publication publication = attempt(session, segment, source, options);
        if (options.dryRun() || !(publication instanceof Published)) {
            session.rollBackAtEnd();
        } else if (source.runsCode()) {
            session.forgetOthersSettings();
        }
        return publication;
    }

    private Publication attempt(Session session, DueSegment segment, SourceQuery source, PublishOptions options) {
        if (segment.currentVersion() != null && !segment.snapshotExists() && !options.accept()) {
            String command = segment.source() == null
                    ? "segments load --accept " + segment.key().customerId() + " "
                            + segment.key().segmentId()
                    : "run segment-diff --accept " + segment.key();
            return new Failed("snapshot table " + segment.currentSnapshot() + " is missing; start anew with `segdiff "
                    + command + "`");
        } else if (!segment.snapshotExists()) {
            return baseline(session, segment, source, options);
        }
        // A dry run only compares. If it applied the changes and rolled them back, it would bloat the snapshot.
        boolean stepwise = options.dryRun() || segment.contacts() >= LARGE;
        return stepwise
                ? stepwise(session, segment, source, options)
                : guarded(segment, queries.publishAtOnce(session, segment, source, options), options);
    }

    private Publication baseline(Session session, DueSegment segment, SourceQuery source, PublishOptions options) {
        long contacts = queries.createSnapshot(session, segment, source);
        return options.dryRun()
                ? new Published(segment.nextVersion(), contacts, 0, 0, true)
                : queries.publish(session, segment, true, options);
    }

    private Publication stepwise(Session session, DueSegment segment, SourceQuery source, PublishOptions options) {
        Publication publication = guarded(segment, queries.compare(session, segment, source), options);
        if (publication instanceof Published && !options.dryRun()) {
            queries.apply(session, segment, options.day());
            // If a reader is in the way, only this step is tried again, and not the long comparison.
            session.retryOnLockTimeout(Retry.DEFAULT, () -> queries.publish(session, segment, false, options));
        }
        return publication;
    }

    private Publication guarded(DueSegment segment, Published version, PublishOptions options) {
        return options.accept() || isUsual(segment.contacts(), version.removed())
                ? version
                : new HeldBack(segment.contacts(), version.removed());
    }

    /**
     * Whether so many contacts may leave without a person's consent. It is never usual that all contacts leave, because
     * a faulty source is most often an empty one. The members of a small segment change often, so half of them may
     * leave, up to max-removed-floor.
     */
    private boolean isUsual(long contacts, long removed) {
        long half = (contacts + 1) / 2;
        long allowed = Math.max(config.maxRemoved().of(contacts), Math.min(config.maxRemovedFloor(), half));
        return removed == 0 || (removed < contacts && removed <= allowed);
    }
}
