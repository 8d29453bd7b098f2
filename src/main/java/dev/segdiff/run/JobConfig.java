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

/** What is configured for each job by its name: keys that no mapping can know, as jobs are found when the program runs. */
@ApplicationScoped
public class JobConfig {
    /**
     * When {@code serve} runs the job: five fields as in a CronJob, such as {@code 30 2 * * *}, or {@code off}. Default: daily,
     * segment-diff at 00:05, snapshot-cleanup at 02:15, event-expiry at 02:30, index-maintenance at 03:30.
     */
    private static final String CRON = "segdiff.schedule.cron.";

    /** The zone of the job's cron expression. Default: {@code segdiff.time-zone}. */
    private static final String ZONE = "segdiff.schedule.time-zone.";

    /**
     * How old the job's last success may be before its goal counts as missed. Default: 30 hours, which are a day, and a quarter
     * of one for a run that is late or long.
     */
    private static final String MAX_AGE = "segdiff.health.max-age.";

    /** A day, and a quarter of one for a run that is late or long. */
    private static final Duration DEFAULT_MAX_AGE = Duration.ofHours(30);

    /** What turns a job's own schedule off. */
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

    /** When serve runs the job: five fields as in crontab, or {@code off}. */
    public String cron(Job job) {
        return config.getOptionalValue(CRON + job.name(), String.class).orElse(job.cron());
    }

    /** Whether serve runs the job at all. */
    public boolean isScheduled(Job job) {
        return !cron(job).equalsIgnoreCase(OFF);
    }

    /** The zone of its cron expression. */
    public ZoneId zone(Job job) {
        return read(ZONE + job.name(), runConfig.timeZone(), new ConfigConverters.Zone()::convert);
    }

    /** When its last success is older, its goal counts as missed. */
    public Duration maxAge(Job job) {
        return read(MAX_AGE + job.name(), DEFAULT_MAX_AGE, new ConfigConverters.Seconds()::convert);
    }

    /** An error that names the key of a job's cron expression. */
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
