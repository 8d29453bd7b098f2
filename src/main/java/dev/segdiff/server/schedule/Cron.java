package dev.segdiff.server.schedule;

import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The planned times of a schedule. A schedule that names its hours, such as {@code 30 2 * * *}, comes once on each of
 * its days, also when clocks change. A time in the gap when clocks go forward comes later by the length of the gap. A
 * time that comes twice when clocks go back counts the first time. A schedule for every hour goes on hour by hour.
 */
final class Cron {
    private static final CronParser PARSER = new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.UNIX));

    private final String expression;
    private final ZoneId zone;
    private final ExecutionTime times;
    private final boolean namesHours;

    /**
     * @param expression a cron expression of five fields, as in crontab and in Kubernetes' CronJobs
     * @throws IllegalArgumentException if the text is no such expression, or if its time never comes, such as February
     *     30
     */
    Cron(String expression, ZoneId zone) {
        this.expression = expression;
        this.zone = zone;
        this.times = ExecutionTime.forCron(PARSER.parse(expression));
        this.namesHours = !expression.strip().split("\\s+")[1].contains("*");
        if (times.nextExecution(Instant.EPOCH.atZone(zone)).isEmpty()) {
            throw new IllegalArgumentException("it never comes");
        }
    }

    String expression() {
        return expression;
    }

    ZoneId zone() {
        return zone;
    }

    /** The last planned time that has passed. */
    Optional<Instant> last(Instant now) {
        return around(now).filter(moment -> !moment.isAfter(now)).max(Comparator.naturalOrder());
    }

    /** The next planned time. */
    Optional<Instant> next(Instant now) {
        return around(now).filter(moment -> moment.isAfter(now)).min(Comparator.naturalOrder());
    }

    @Override
    public String toString() {
        return expression + " " + zone;
    }

    /**
     * Two planned times before now and two after. One of each is not enough, because clocks may change in between,
     * which moves these times.
     */
    private Stream<Instant> around(Instant now) {
        ZonedDateTime wall = now.atZone(zone);
        // The times are computed for a wall clock that never changes, and converted to the time zone afterwards.
        ZonedDateTime time = namesHours ? wall.withZoneSameLocal(ZoneOffset.UTC) : wall;
        Optional<ZonedDateTime> last = times.lastExecution(time.plusNanos(1));
        Optional<ZonedDateTime> next = times.nextExecution(time);
        return Stream.of(last.flatMap(times::lastExecution), last, next, next.flatMap(times::nextExecution))
                .flatMap(Optional::stream)
                .map(moment -> namesHours ? moment.withZoneSameLocal(zone) : moment)
                .map(ZonedDateTime::toInstant);
    }
}
