package dev.segdiff.table;

import java.time.DayOfWeek;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAdjusters;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** The time that one partition covers: an hour, day, week, month or year. */
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

    /**
     * The interval from one bound to the other in their time zone; empty if it is not one hour, day, week, month or
     * year.
     */
    public static Optional<PartitionInterval> between(ZonedDateTime from, ZonedDateTime to) {
        // Years first: the first of January is also the first of a month.
        return Arrays.stream(new PartitionInterval[] {YEAR, MONTH, WEEK, DAY, HOUR})
                .filter(interval -> interval.after(from).isEqual(to))
                .findFirst();
    }

    /**
     * The end of a partition that begins at this time. In some time zones one day of the year begins at 01:00, because
     * clocks go forward at midnight; the partition of that day ends at the next midnight.
     */
    public ZonedDateTime after(ZonedDateTime from) {
        ZonedDateTime next = from.plus(1, unit);
        return isRound(from) ? floor(next) : next;
    }

    /**
     * Whether the time is the beginning of such an interval in its time zone, such as the first of a month at 00:00.
     */
    public boolean isRound(ZonedDateTime time) {
        return floor(time).isEqual(time);
    }

    /** The beginning of the interval in which this time lies. */
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

    /** The suffix for the name of a partition that begins at this time, such as 2026_03 for a month. */
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
