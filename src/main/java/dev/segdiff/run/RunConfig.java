package dev.segdiff.run;

import dev.segdiff.db.ConfigConverters;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.time.ZoneId;

/** The configuration of every run, whatever its job: time zone, time budget, lease. */
@ConfigMapping(prefix = "segdiff")
public interface RunConfig {
    /**
     * The time zone in which a logical day begins and ends, by name, such as Europe/Berlin. A source is read with this
     * zone as the session's time zone. It is also the zone of {@code segdiff.index.window} and, unless these have their
     * own keys, of cron expressions and of event columns without a zone.
     */
    @WithConverter(ConfigConverters.Zone.class)
    @WithDefault("UTC")
    ZoneId timeZone();

    /**
     * The longest time of one run, from 1 s on. Then the run stops itself and exits with 75, and the next run continues
     * where it stopped. Keep it below the activeDeadlineSeconds of a CronJob, so that the run ends by itself before
     * Kubernetes kills it.
     */
    @WithConverter(ConfigConverters.Seconds.class)
    @WithDefault("4h")
    Duration timeBudget();

    /**
     * How long the lease of an exclusive job lasts without a renewal, from 1 s on. When the worker of such a job is
     * killed, another worker can start the job after this time.
     */
    @WithConverter(ConfigConverters.Seconds.class)
    @WithDefault("30s")
    Duration leaseDuration();
}
