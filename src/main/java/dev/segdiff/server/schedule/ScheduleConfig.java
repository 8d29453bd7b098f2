package dev.segdiff.server.schedule;

import dev.segdiff.db.ConfigConverters;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/**
 * The configuration of the schedules of {@code serve}; the cron expressions are in {@link dev.segdiff.run.JobConfig}.
 */
@ConfigMapping(prefix = "segdiff.schedule")
public interface ScheduleConfig {
    /**
     * Whether serve starts the jobs by itself, at the times of {@code segdiff.schedule.cron.JOB}. Set it to false where
     * CronJobs run the jobs.
     */
    @WithConverter(ConfigConverters.Switch.class)
    @WithDefault("true")
    boolean enabled();

    /**
     * How late a scheduled run may still start, from 1 s on. If the database or all replicas were away at the planned
     * time, or if that run was interrupted, the run is made up for until this deadline, and skipped after it. A CronJob
     * has the same setting, startingDeadlineSeconds.
     */
    @WithConverter(ConfigConverters.Seconds.class)
    @WithDefault("12h")
    Duration startingDeadline();
}
