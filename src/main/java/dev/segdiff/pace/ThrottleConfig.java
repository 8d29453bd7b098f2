package dev.segdiff.pace;

import dev.segdiff.db.ConfigConverters;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;

/**
 * The configuration of the throttle: when a run waits, so that the application, its replicas and its archive come
 * first.
 */
@ConfigMapping(prefix = "segdiff.throttle")
public interface ThrottleConfig {
    /**
     * The largest replication lag. While a standby or a subscriber replays later than this, runs wait. The database
     * role sees the lag only with the rights of pg_monitor; a lag that the role may not see does not count.
     */
    @WithConverter(ConfigConverters.Span.class)
    @WithDefault("10s")
    Duration maxReplicationLag();

    /**
     * The largest number of finished WAL files that wait for the archiver. While more are waiting, runs wait, because
     * these files fill the disk: 64 files of 16 MB are 1 GB.
     */
    @WithConverter(ConfigConverters.Positive.class)
    @WithDefault("64")
    int maxUnarchivedWalFiles();

    /**
     * A query of yours that returns true or false. While the query returns true, or fails, runs wait. segdiff asks once
     * a second, in a read-only transaction, and ends a query that takes longer than 2 s. If the query is wrong when
     * event-expiry starts, the run is refused. Without this key no query is asked.
     */
    @WithDefault("")
    Optional<String> query();

    /**
     * The longest time that a run waits at one stretch. Then the run ends with exit code 75, and the next run continues
     * where it stopped.
     */
    @WithConverter(ConfigConverters.Span.class)
    @WithDefault("15m")
    Duration maxWait();
}
