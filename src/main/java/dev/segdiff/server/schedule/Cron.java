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
 * The moments of a schedule. One that names its hours comes once on each of its days, also when clocks change: what falls
 * into a gap comes as much later, what comes twice comes the first time. Another goes on by the hour.
 */
public final class Cron {
    private static final CronParser PARSER = new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.UNIX));

    private final String expression;
    private final ZoneId zone;
    private final ExecutionTime times;
    private final boolean namesHours;

    /**
     * @param expression five fields, as in crontab and in Kubernetes' CronJobs
     * @throws IllegalArgumentException if the expression is no such schedule, or never comes
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

    /** The last moment that has come. */
    Optional<Instant> last(Instant now) {
        return around(now).filter(moment -> !moment.isAfter(now)).max(Comparator.naturalOrder());
    }

    /** The next moment. */
    Optional<Instant> next(Instant now) {
        return around(now).filter(moment -> moment.isAfter(now)).min(Comparator.naturalOrder());
    }

    @Override
    public String toString() {
        return expression + " " + zone;
    }

    /** Two moments before and two after, as clocks can go forth and back in between. */
    private Stream<Instant> around(Instant now) {
        ZonedDateTime wall = now.atZone(zone);
        // Wall clocks without changes; where they are in the zone is found out afterwards.
        ZonedDateTime time = namesHours ? wall.withZoneSameLocal(ZoneOffset.UTC) : wall;
        Optional<ZonedDateTime> last = times.lastExecution(time.plusNanos(1));
        Optional<ZonedDateTime> next = times.nextExecution(time);
        return Stream.of(last.flatMap(times::lastExecution), last, next, next.flatMap(times::nextExecution))
                .flatMap(Optional::stream)
                .map(moment -> namesHours ? moment.withZoneSameLocal(zone) : moment)
                .map(ZonedDateTime::toInstant);
    }
}
