package dev.segdiff.run;

import dev.segdiff.db.ConfigConverters;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Printable;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.function.Function;
import org.eclipse.microprofile.config.Config;

/**
 * Reads the configuration keys that end with the name of a job. No mapping can list these keys, because the program
 * finds its jobs only when it runs.
 */
@ApplicationScoped
public class JobConfig {
    /**
     * When {@code serve} runs the job: a cron expression of five fields, as in a CronJob, such as {@code 30 2 * * *}
     * for every day at 02:30, or {@code off} to turn the schedule of this job off. Without this key each job runs
     * daily: segment-diff at 00:05, snapshot-cleanup at 02:15, event-expiry at 02:30, index-maintenance at 03:30.
     */
    private static final String CRON = "segdiff.schedule.cron.";

    /**
     * The time zone of the job's cron expression, by name, such as Europe/Berlin. Without this key it is
     * {@code segdiff.time-zone}.
     */
    private static final String ZONE = "segdiff.schedule.time-zone.";

    /**
     * How old the job's last success may be before its goal counts as missed, from 1 s on. Without this key it is 30
     * hours: 24 hours until the next daily run, and 6 hours for a run that starts late or takes long.
     */
    private static final String MAX_AGE = "segdiff.health.max-age.";

    /** One day, as jobs run daily, and 6 hours for a run that starts late or takes long. */
    private static final Duration DEFAULT_MAX_AGE = Duration.ofHours(30);

    /** The value in place of a cron expression that turns a job's schedule off. */
    private static final String OFF = "off";

    private final Config config;
    private final RunConfig runConfig;

    public JobConfig(Config config, RunConfig runConfig) {
        this.config = config;
        this.runConfig = runConfig;
    }

    /** All keys of a job. */
    public static List<String> keys(String job) {
        return List.of(CRON + job, ZONE + job, MAX_AGE + job);
    }

    /**
     * When {@code serve} runs the job: a cron expression of five fields, as in a CronJob, or {@code off}. Without the
     * key, the job's own time holds, such as {@code 30 2 * * *}.
     */
    public String cron(Job job) {
        return config.getOptionalValue(CRON + job.name(), String.class).orElse(job.cron());
    }

    /** Whether {@code serve} runs the job at all: false if the cron expression is {@code off}. */
    public boolean isScheduled(Job job) {
        return !cron(job).equalsIgnoreCase(OFF);
    }

    /** The time zone of the job's cron expression; without the key it is {@code segdiff.time-zone}. */
    public ZoneId zone(Job job) {
        return read(ZONE + job.name(), runConfig.timeZone(), new ConfigConverters.Zone()::convert);
    }

    /**
     * How old the job's last success may be, 30 hours without the key; if it is older, the job's goal counts as missed.
     */
    public Duration maxAge(Job job) {
        return read(MAX_AGE + job.name(), DEFAULT_MAX_AGE, new ConfigConverters.Seconds()::convert);
    }

    /** An error that says which key holds the faulty cron expression, its value, and what was expected. */
    public InvalidInputException invalidCron(Job job, String expected) {
        return invalid(CRON + job.name(), cron(job), expected);
    }

    private <T> T read(String key, T otherwise, Function<String, T> parse) {
        return config.getOptionalValue(key, String.class)
                .map(text -> {
                    try {
                        return parse.apply(text);
                    } catch (IllegalArgumentException e) {
                        throw invalid(key, text, String.valueOf(e.getMessage()));
                    }
                })
                .orElse(otherwise);
    }

    private static InvalidInputException invalid(String key, String value, String expected) {
        return new InvalidInputException(
                "configuration: key " + key + " has the value " + Printable.quoted(value) + ": " + expected);
    }
}
