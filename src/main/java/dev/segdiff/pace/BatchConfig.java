package dev.segdiff.pace;

import dev.segdiff.db.ConfigConverters;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** How large a batch is and how fast they follow each other. */
@ConfigMapping(prefix = "segdiff.batch")
public interface BatchConfig {
    /** The size of a batch adapts to this. */
    @WithConverter(ConfigConverters.Timeout.class)
    @WithDefault("250ms")
    Duration targetDuration();

    /** Not fewer rows, however slow they are. */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("100")
    int minRows();

    /**
     * Not more rows, however fast they are. All that a batch writes to the WAL stands before the next commit of the
     * application: with 2,000 rows its p99 stays within 1.5 times, with 50,000 it is 5 times as long.
     */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("2000")
    int maxRows();

    /** The longest pause after a full batch; its length is random, so that it keeps step with nothing. */
    @WithConverter(ConfigConverters.Span.class)
    @WithDefault("50ms")
    Duration maxPause();
}
