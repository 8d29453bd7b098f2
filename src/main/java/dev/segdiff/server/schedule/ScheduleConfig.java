package dev.segdiff.server.schedule;

import dev.segdiff.db.ConfigConverters;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** Whether and how {@code serve} runs jobs by itself; the cron expressions are in {@link dev.segdiff.run.JobConfig}. */
@ConfigMapping(prefix = "segdiff.schedule")
public interface ScheduleConfig {
    /** False where CronJobs run the jobs. */
    @WithConverter(ConfigConverters.Switch.class)
    @WithDefault("true")
    boolean enabled();

    /** A run that could not start in time starts later, but not later than this; as a CronJob's startingDeadlineSeconds. */
    @WithConverter(ConfigConverters.Seconds.class)
    @WithDefault("12h")
    Duration startingDeadline();
}
