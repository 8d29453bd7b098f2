package dev.segdiff.event;

import dev.segdiff.run.Measure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How far a policy's table is from its retention.
 *
 * @param overdueSeconds for how many seconds the oldest expired row should have been gone; null if unknown
 * @param eligible the number of rows that have expired, by the planner's estimate
 * @param expiredPerDay how many rows were deleted per day, over the last week
 * @param eligiblePerDay how many rows expire per day, by the planner's estimate
 * @param daysLeft the number of days until nothing is overdue; null if never at this rate, or if unknown
 */
record PolicyState(
        boolean met,
        @Nullable Long overdueSeconds,
        long eligible,
        long expiredPerDay,
        long eligiblePerDay,
        @Nullable Long daysLeft) {
    /**
     * The days until nothing is overdue, if each day deletes and adds as many expired rows as the days before. Example:
     * of 1,000 expired rows, 300 are deleted and 100 are added per day, so 5 days are left.
     */
    static @Nullable Long daysLeft(long eligible, long expiredPerDay, long eligiblePerDay) {
        long gain = expiredPerDay - eligiblePerDay;
        return gain <= 0 ? null : Long.valueOf(Math.max(1, (eligible + gain - 1) / gain));
    }

    /** The state as numbers for Prometheus. */
    List<Measure> measures(EventPolicy policy) {
        Map<String, String> labels = Map.of("policy", policy.name());
        List<Measure> measures = new ArrayList<>();
        measures.add(
                new Measure("inside_retention", labels, met() ? 1 : 0, "Whether the table is inside its retention."));
        if (overdueSeconds() != null) {
            measures.add(new Measure(
                    "oldest_expired_row_overdue_seconds",
                    labels,
                    overdueSeconds(),
                    "How long ago the oldest expired row should have been deleted."));
        }
        measures.add(
                new Measure("eligible_rows", labels, eligible(), "Rows that have expired, as the planner estimates."));
        measures.add(new Measure(
                "expired_rows_per_day", labels, expiredPerDay(), "Rows expired a day, over the last week."));
        measures.add(new Measure(
                "eligible_rows_per_day",
                labels,
                eligiblePerDay(),
                "Rows that become eligible a day, as the planner estimates."));
        if (daysLeft() != null) {
            measures.add(new Measure(
                    "seconds_left",
                    labels,
                    Duration.ofDays(daysLeft()).toSeconds(),
                    "Seconds until the table is inside its retention."));
        }
        return measures;
    }

    /** The state in one line for people. */
    String describe() {
        String overdue = overdueSeconds() == null
                ? "the oldest expired row is unknown (no index, or an index full of dead rows)"
                : overdueSeconds() == 0
                        ? "nothing has expired"
                        : "oldest expired row overdue by " + age(overdueSeconds());
        String forecast = met()
                ? ""
                : daysLeft() == null
                        ? "; inside the retention: never, at this rate"
                        : "; inside the retention in " + daysLeft() + (daysLeft() == 1 ? " day" : " days");
        return String.format(
                Locale.ROOT,
                "%s; about %,d rows eligible, %,d a day expired, %,d a day become eligible%s",
                overdue,
                eligible(),
                expiredPerDay(),
                eligiblePerDay(),
                forecast);
    }

    private static String age(long seconds) {
        Duration age = Duration.ofSeconds(seconds);
        if (age.toDays() > 1) {
            return age.toDays() + " days";
        }
        return age.toHours() > 0 ? age.toHours() + " h" : age.toMinutes() + " min";
    }
}
