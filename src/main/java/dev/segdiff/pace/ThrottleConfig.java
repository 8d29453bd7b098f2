package dev.segdiff.pace;

import dev.segdiff.db.ConfigConverters;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;

/** When a run yields to the application. */
@ConfigMapping(prefix = "segdiff.throttle")
public interface ThrottleConfig {
    /** Waits while a standby or subscriber replays later than this. */
    @WithConverter(ConfigConverters.Span.class)
    @WithDefault("10s")
    Duration maxReplicationLag();

    /** Waits while so many finished WAL files have not been archived: 64 of 16 MB are 1 GB that fills the disk. */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("64")
    int maxUnarchivedWalFiles();

    /** Waits while this query answers true. */
    @WithDefault("")
    Optional<String> query();

    /** Gives up with exit code 75 when a wait lasts longer. */
    @WithConverter(ConfigConverters.Span.class)
    @WithDefault("15m")
    Duration maxWait();
}
