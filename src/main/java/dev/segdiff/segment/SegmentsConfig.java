package dev.segdiff.segment;

import dev.segdiff.db.ConfigConverters;
import dev.segdiff.db.Share;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/**
 * The configuration of segments: how they are compared, when a version is held back, how long diffs and trash are kept.
 */
@ConfigMapping(prefix = "segdiff.segments")
public interface SegmentsConfig {
    /**
     * How many segments one process compares at the same time, from 1 on. Each takes a connection and, in PostgreSQL,
     * about one core. There are 20 connections ({@code quarkus.datasource.jdbc.max-size}), of which two are needed for
     * the ledger.
     */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("2")
    int parallelism();

    /**
     * The largest share of a segment's contacts that a new version may remove, such as 20% or 0.2. A version that would
     * remove more is held back until somebody lets it through once: run segment-diff --accept 7/42. For small segments
     * max-removed-floor allows more.
     */
    @WithConverter(Share.FromText.class)
    @WithDefault("20%")
    Share maxRemoved();

    /**
     * The number of contacts that may leave a segment even if they are more than max-removed, but never more than half
     * of its contacts. With 1000, a segment of 300 contacts may lose 150. The reason: members of small segments change
     * often, so a share alone would hold back too many versions; but a small audience that is lost by mistake is a
     * loss, too. All contacts of a segment never leave without a person's consent.
     */
    @WithConverter(ConfigConverters.NotNegative.class)
    @WithDefault("1000")
    int maxRemovedFloor();

    /**
     * How long diffs are kept, in days, counted from the day of their version. A reader whose last version is older
     * gets all members in place of the changes.
     */
    @WithConverter(ConfigConverters.Span.class)
    @WithDefault("90d")
    Duration diffRetention();

    /**
     * The longest time of a statement that reads a source, from 1ms to 24d. A segment whose source takes longer fails,
     * and the others go on.
     */
    @WithConverter(ConfigConverters.Timeout.class)
    @WithDefault("30m")
    Duration sourceTimeout();

    /**
     * PostgreSQL's setting work_mem while a segment is compared. A small value is fast, because the hash join then
     * works in batches that fit into the processor's cache: for 5 million contacts it took 1.4 s with 2MB and 4.4 s
     * with 256MB.
     */
    @WithDefault("2MB")
    String workMem();

    /**
     * The time without use after which a segment is removed, from 1d on, as a segment is normally used once a day. Its
     * snapshot goes to the trash, from where it can be restored.
     */
    @WithConverter(ConfigConverters.Span.class)
    @WithDefault("32d")
    Duration unusedAfter();

    /**
     * How long the snapshot of a removed segment waits in the trash, from where it can be restored, before it is
     * dropped.
     */
    @WithConverter(ConfigConverters.Span.class)
    @WithDefault("7d")
    Duration trashAfter();

    /** How long a snapshot table that no segment knows (an orphan) must have been seen before it goes to the trash. */
    @WithConverter(ConfigConverters.Span.class)
    @WithDefault("7d")
    Duration orphanGrace();
}
