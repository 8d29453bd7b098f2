package dev.segdiff.pace;

import dev.segdiff.db.ConfigConverters;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/**
 * The configuration of batches: how many rows one transaction deletes, and how long the pause is before the next batch.
 */
@ConfigMapping(prefix = "segdiff.batch")
public interface BatchConfig {
    /**
     * How long one batch should take, from 1ms to 24d. The number of rows adapts to this time, between min-rows and
     * max-rows: after a batch that took half as long, the next one has twice as many rows. PostgreSQL ends a batch that
     * takes four times as long, because its row locks hold up the application, and the batch is tried again at half its
     * size.
     */
    @WithConverter(ConfigConverters.Timeout.class)
    @WithDefault("250ms")
    Duration targetDuration();

    /**
     * The smallest number of rows in a batch, however long the batch takes. A batch of this size has a time limit of 10
     * s: the lease, of 30 s, cannot be renewed during a batch, and two such batches fit into it.
     */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("100")
    int minRows();

    /**
     * The largest number of rows in a batch, however fast the batch is. When the application commits, PostgreSQL first
     * has to flush everything that a batch has written to the WAL. With batches of 2,000 rows the 99th percentile of
     * the application's commit time is at most 1.5 times as long as without segdiff, with 50,000 rows it is 5 times as
     * long.
     */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("2000")
    int maxRows();

    /**
     * The longest pause after a batch of max-rows rows; after a smaller batch the pause is shorter in proportion.
     * The length is random between 0 and this time, so that batches do not fall into step with other periodic work.
     */
    @WithConverter(ConfigConverters.Span.class)
    @WithDefault("50ms")
    Duration maxPause();
}
