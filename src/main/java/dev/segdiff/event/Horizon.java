package dev.segdiff.event;

import dev.segdiff.table.TimeKey;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;

/**
 * The moment before which rows have expired. The only place in Java that subtracts a retention from a time; the only place
 * in SQL is {@link RetentionGuard}, and a test holds both against each other and against {@code segdiff.horizon}.
 *
 * @param now by the database's clock
 * @param at rows made before this moment have expired
 * @param value the same moment as the table's column writes it, such as "2026-01-31 00:00:00+00"
 */
record Horizon(Instant now, Instant at, String value) {
    static Horizon of(EventPolicy policy, TimeKey key, Instant now) {
        return at(policy, key, now, now);
    }

    /** As of the end of a day, but never of a time to come. */
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
