package dev.segdiff.segment;

import dev.segdiff.db.ConfigConverters;
import dev.segdiff.db.Share;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** Segments, snapshots and diffs. */
@ConfigMapping(prefix = "segdiff.segments")
public interface SegmentsConfig {
    /**
     * Segments worked on at once by one process. Each takes a connection (of {@code quarkus.datasource.jdbc.max-size},
     * 20, which leaves two for the ledger) and, in PostgreSQL, about a core.
     */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("2")
    int parallelism();

    /** A version that would remove a larger share of the contacts is held back. */
    @WithConverter(Share.FromText.class)
    @WithDefault("20%")
    Share maxRemoved();

    /**
     * So many contacts may leave a small segment, but not more than half of it: small segments are lively, and a small
     * audience that is lost is lost as well. All of a segment never leave without a person's word.
     */
    @WithConverter(ConfigConverters.NotNegative.class)
    @WithDefault("1000")
    int maxRemovedFloor();

    /** How long diffs are kept, by the day of their version; older readers get a full snapshot. */
    @WithConverter(ConfigConverters.Span.class)
    @WithDefault("90d")
    Duration diffRetention();

    /** The longest statement that reads a source. */
    @WithConverter(ConfigConverters.Timeout.class)
    @WithDefault("30m")
    Duration sourceTimeout();

    /**
     * PostgreSQL's {@code work_mem} while a segment is compared. Small is fast: a hash join in batches that fit the
     * processor's cache took 1.4 s for 5 million contacts where one of 256 MB took 4.4 s.
     */
    @WithDefault("2MB")
    String workMem();

    /** A segment that nobody has used for so long is removed. */
    @WithConverter(ConfigConverters.Span.class)
    @WithDefault("32d")
    Duration unusedAfter();

    /** A removed segment's snapshot waits so long in the trash and can be restored; then it is dropped. */
    @WithConverter(ConfigConverters.Span.class)
    @WithDefault("7d")
    Duration trashAfter();

    /** A snapshot table that no segment knows goes to the trash when it has been seen for so long. */
    @WithConverter(ConfigConverters.Span.class)
    @WithDefault("7d")
    Duration orphanGrace();
}
