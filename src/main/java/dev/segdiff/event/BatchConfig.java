package dev.segdiff.event;

import dev.segdiff.db.ConfigConverters;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** How large a batch is and how fast they follow each other. */
@ConfigMapping(prefix = "segdiff.batch")
public interface BatchConfig {
    /** The size of a batch adapts to this. */
    @WithDefault("250ms")
    Duration targetDuration();

    /** Not fewer rows, however slow they are. */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("100")
    int minRows();

    /** Not more rows, however fast they are. */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("50000")
    int maxRows();

    /** The longest pause between two batches; its length is random, so that workers do not march in step. */
    @WithDefault("50ms")
    Duration maxPause();
}
