package dev.segdiff.event;

import dev.segdiff.table.TimeKey;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;

/**
 * The moment before which rows have expired: now minus the retention. In Java, only this class subtracts the retention
 * of a policy from a time. In SQL, {@link RetentionGuard} does so for deletes, and {@link ReaderView} and the function
 * {@code segdiff.horizon} do so for readers. HorizonTest compares this class, the guard and the function with each
 * other.
 *
 * @param now the present time by the database's clock
 * @param at the horizon: rows made before this moment have expired
 * @param value the horizon as the table's column writes it, such as "2026-01-31 00:00:00+00"
 */
record Horizon(Instant now, Instant at, String value) {
    static Horizon of(EventPolicy policy, TimeKey key, Instant now) {
        return at(policy, key, now, now);
    }

    /** The horizon as of the end of a day, or as of now if the day has not ended yet. */
    static Horizon of(EventPolicy policy, TimeKey key, Instant now, Instant endOfDay) {
        return at(policy, key, now, endOfDay.isBefore(now) ? endOfDay : now);
    }

    static Instant endOf(LocalDate day, ZoneId zone) {
        return day.plusDays(1).atStartOfDay(zone).toInstant();
    }

    private static Horizon at(EventPolicy policy, TimeKey key, Instant now, Instant time) {
        Instant at = time.minus(policy.retention());
        return new Horizon(now, at, key.bound(at));
    }
}
