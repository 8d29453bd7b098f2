package dev.segdiff.table;

import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The end of a table's newest partition, and how the partitions that come after the newest one continue the series.
 *
 * @param end where the newest partition ends, in the time zone in which the bounds of the partitions are round, such as
 *     midnight
 * @param interval how much time the next partition covers
 * @param name the name of the newest partition; empty if there is no partition
 * @param suffix the time at which the newest partition begins, as names of partitions write a time, such as 2026_03;
 *     empty if there is no partition
 */
public record NewestPartition(ZonedDateTime end, PartitionInterval interval, String name, String suffix) {
    /**
     * How many of the newest partitions must have round bounds. With 24 monthly partitions these are two years. They
     * include the days on which clocks change, and these days show the time zone.
     */
    private static final int RECENT = 24;

    /**
     * The newest partition of a table; empty if the newest partition covers no hour, day, week, month or year in any
     * time zone, and no interval is configured.
     */
    public static Optional<NewestPartition> of(Partitions partitions, Instant now) {
        PartitionPlan plan = partitions.plan();
        TimeKey key = partitions.table().key();
        List<Partition> ending =
                partitions.all().stream().filter(p -> p.to() != null).toList();
        if (ending.isEmpty()) {
            PartitionInterval interval = plan.interval().orElse(PartitionInterval.MONTH);
            return Optional.of(new NewestPartition(interval.floor(now.atZone(key.zone())), interval, "", ""));
        }
        List<Partition> recent = ending.stream()
                .filter(p -> p.from() != null)
                .skip(Math.max(0, ending.size() - RECENT))
                .toList();
        Series series = new Series(plan, key, ending.get(ending.size() - 1), recent);
        return series.rounded().or(() -> Stream.of(key.zone(), ZoneOffset.UTC)
                .flatMap(zone -> series.in(zone).stream())
                .findFirst());
    }

    /** Where the last partition made ahead has to end: after the present interval and {@code ahead} more. */
    ZonedDateTime target(Instant now, int ahead) {
        ZonedDateTime bound = interval.floor(now.atZone(end.getZone()));
        for (int i = 0; i <= ahead; i++) {
            bound = interval.after(bound);
        }
        return bound;
    }

    private List<Instant> next(int ahead) {
        List<Instant> bounds = new ArrayList<>();
        ZonedDateTime bound = end;
        for (int i = 0; i <= ahead; i++) {
            bound = interval.after(bound);
            bounds.add(bound.toInstant());
        }
        return bounds;
    }

    /**
     * Partitions that follow each other.
     *
     * @param recent the newest of these partitions, up to 24, whose bounds must be round
     */
    private record Series(PartitionPlan plan, TimeKey key, Partition newest, List<Partition> recent) {
        /**
         * The newest partition in the time zone that the bounds show. This is the zone of the key, or UTC, or any other
         * zone in which all bounds are round, provided that all such zones agree on the bounds to come.
         */
        Optional<NewestPartition> rounded() {
            for (ZoneId zone : List.of(key.zone(), ZoneOffset.UTC)) {
                Optional<NewestPartition> found = rounded(zone);
                if (found.isPresent()) {
                    return found;
                }
            }
            if (key.kind() == TimeKey.Kind.TIMESTAMP || key.kind() == TimeKey.Kind.DATE) {
                return Optional.empty();
            }
            List<NewestPartition> found = ZoneId.getAvailableZoneIds().stream()
                    .sorted()
                    .flatMap(id -> rounded(ZoneId.of(id)).stream())
                    .toList();
            boolean agree =
                    found.stream().map(one -> one.next(plan.ahead())).distinct().count() == 1;
            return agree ? Optional.of(found.get(0)) : Optional.empty();
        }

        private Optional<NewestPartition> rounded(ZoneId zone) {
            return in(zone).filter(found -> found.interval().isRound(found.end()))
                    .filter(found -> recent.stream()
                            .allMatch(p -> found.interval().isRound(time(p.from(), zone))
                                    && found.interval().isRound(time(p.to(), zone))));
        }

        Optional<NewestPartition> in(ZoneId zone) {
            Optional<ZonedDateTime> to =
                    key.time(String.valueOf(newest.to())).map(time -> time.withZoneSameInstant(zone));
            Optional<ZonedDateTime> from =
                    Optional.ofNullable(newest.from()).flatMap(key::time).map(time -> time.withZoneSameInstant(zone));
            Optional<PartitionInterval> interval = plan.interval()
                    .or(() -> from.flatMap(start -> to.flatMap(end -> PartitionInterval.between(start, end))));
            return interval.flatMap(unit -> to.map(end -> new NewestPartition(
                    end, unit, newest.table().name(), from.map(unit::suffix).orElse(""))));
        }

        private ZonedDateTime time(@Nullable String bound, ZoneId zone) {
            return key.time(String.valueOf(bound))
                    .map(time -> time.withZoneSameInstant(zone))
                    .orElse(Instant.EPOCH.atZone(zone));
        }
    }
}
