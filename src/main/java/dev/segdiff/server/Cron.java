package dev.segdiff.server;

import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.Optional;

/**
 * The moments of a schedule.
 *
 * @param expression five fields, as in crontab and in Kubernetes' CronJobs
 */
record Cron(String expression, ZoneId zone) {
    private static final CronParser PARSER = new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.UNIX));

    /** @throws IllegalArgumentException if the expression is no such schedule, or never comes */
    Cron {
        if (executionTime(expression).nextExecution(ZonedDateTime.now(zone)).isEmpty()) {
            throw new IllegalArgumentException("it never comes");
        }
    }

    /** The last moment that has come. */
    Optional<Instant> last(Instant now) {
        return executionTime(expression)
                .lastExecution(now.plusMillis(1).atZone(zone))
                .map(ZonedDateTime::toInstant);
    }

    /** The next moment. */
    Optional<Instant> next(Instant now) {
        return executionTime(expression).nextExecution(now.atZone(zone)).map(ZonedDateTime::toInstant);
    }

    private static ExecutionTime executionTime(String expression) {
        return ExecutionTime.forCron(PARSER.parse(expression));
    }
}
