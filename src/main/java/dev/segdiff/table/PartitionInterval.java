package dev.segdiff.table;

import java.time.DayOfWeek;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAdjusters;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** How much time a partition covers. */
public enum PartitionInterval {
    HOUR(ChronoUnit.HOURS),
    DAY(ChronoUnit.DAYS),
    WEEK(ChronoUnit.WEEKS),
    MONTH(ChronoUnit.MONTHS),
    YEAR(ChronoUnit.YEARS);

    private final ChronoUnit unit;

    PartitionInterval(ChronoUnit unit) {
        this.unit = unit;
    }

    /** The interval that leads from one bound to the other in their zone, if it is one of these. */
    public static Optional<PartitionInterval> between(ZonedDateTime from, ZonedDateTime to) {
        // Years first: the first of January is also the first of a month.
        return Arrays.stream(new PartitionInterval[] {YEAR, MONTH, WEEK, DAY, HOUR})
                .filter(interval -> interval.after(from).isEqual(to))
                .findFirst();
    }

    /**
     * Where the partition ends that begins here. Where days begin at 01:00 once a year, as clocks go forward at midnight,
     * the next one begins at midnight again.
     */
    public ZonedDateTime after(ZonedDateTime from) {
        ZonedDateTime next = from.plus(1, unit);
        return isRound(from) ? floor(next) : next;
    }

    /** Whether the time is the beginning of an hour, day, week, month or year in its zone. */
    public boolean isRound(ZonedDateTime time) {
        return floor(time).isEqual(time);
    }

    /** The latest bound that is not after this time. */
    public ZonedDateTime floor(ZonedDateTime time) {
        ZonedDateTime day = time.truncatedTo(ChronoUnit.DAYS);
        return switch (this) {
            case HOUR -> time.truncatedTo(ChronoUnit.HOURS);
            case DAY -> day;
            case WEEK -> day.with(TemporalAdjusters.previousOrSame(DayOfWeek.MONDAY));
            case MONTH -> day.withDayOfMonth(1);
            case YEAR -> day.withDayOfYear(1);
        };
    }

    /** What the name of a partition that begins here ends with. */
    public String suffix(ZonedDateTime from) {
        String pattern =
                switch (this) {
                    case HOUR -> "%1$tY_%1$tm_%1$td_%1$tH";
                    case DAY, WEEK -> "%1$tY_%1$tm_%1$td";
                    case MONTH -> "%1$tY_%1$tm";
                    case YEAR -> "%1$tY";
                };
        return String.format(Locale.ROOT, pattern, from);
    }
}
