package dev.segdiff.run;

import dev.segdiff.db.ConfigConverters;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.time.ZoneId;

/** What holds for every run. */
@ConfigMapping(prefix = "segdiff")
public interface RunConfig {
    /** The zone in which a logical day begins and ends. */
    @WithConverter(ConfigConverters.Zone.class)
    @WithDefault("UTC")
    ZoneId timeZone();

    /** A run stops itself after this long and exits 75; below a CronJob's activeDeadlineSeconds. */
    @WithConverter(ConfigConverters.Seconds.class)
    @WithDefault("4h")
    Duration timeBudget();

    /** An exclusive job whose worker has vanished starts elsewhere after this long. */
    @WithConverter(ConfigConverters.Seconds.class)
    @WithDefault("30s")
    Duration leaseDuration();
}
