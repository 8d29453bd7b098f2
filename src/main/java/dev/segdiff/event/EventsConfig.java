package dev.segdiff.event;

import dev.segdiff.db.ConfigConverters;
import dev.segdiff.db.Share;
import dev.segdiff.table.PartitionInterval;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithParentName;
import java.time.Duration;
import java.time.ZoneId;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** Event tables and how long their rows are kept. */
@ConfigMapping(prefix = "segdiff.events")
public interface EventsConfig {
    /** The keys of a policy. */
    Set<String> KEYS = Set.of(
            "table",
            "time-column",
            "id-column",
            "retention",
            "zone",
            "enabled",
            "require-index",
            "max-rows",
            "view",
            "partitions-ahead",
            "partition-interval",
            "trash-after",
            "max-share");

    /** By name. */
    @WithParentName
    Map<String, Policy> policies();

    /** The retention of one table. */
    interface Policy {
        /** The table, plain or partitioned. */
        Optional<String> table();

        /** The column that tells when a row was made: timestamptz, timestamp or date. */
        Optional<String> timeColumn();

        /** Instead of a time: UUIDv7 or ULID, which begin with it. */
        Optional<String> idColumn();

        /** How long rows are kept. */
        @WithConverter(ConfigConverters.Span.class)
        Optional<Duration> retention();

        /** The zone of a column without one; default: segdiff.time-zone. */
        @WithConverter(ConfigConverters.Zone.class)
        Optional<ZoneId> zone();

        /** Nothing is deleted while it is false. */
        @WithConverter(ConfigConverters.Switch.class)
        @WithDefault("true")
        boolean enabled();

        /** Whether a table without an index on the column is refused; if not, each run reads the whole table. */
        @WithConverter(ConfigConverters.Switch.class)
        @WithDefault("true")
        boolean requireIndex();

        /** Not more rows than this in one run. */
        OptionalLong maxRows();

        /** Whether readers get the view segdiff.events_NAME. */
        @WithConverter(ConfigConverters.Switch.class)
        @WithDefault("true")
        boolean view();

        /** Partitions made ahead; 0: somebody else makes them. */
        @WithConverter(ConfigConverters.NotNegative.class)
        @WithDefault("3")
        int partitionsAhead();

        /** How much a new partition covers; default: as much as the newest one. */
        Optional<PartitionInterval> partitionInterval();

        /** An expired partition waits so long in the trash; then it is dropped. */
        @WithConverter(ConfigConverters.Span.class)
        @WithDefault("3d")
        Duration trashAfter();

        /**
         * A run that would remove a larger share of the table is held back until a person accepts that: retention takes
         * a day's rows a day, and a mistake in it, or a clock that is wrong, takes nearly all.
         */
        @WithConverter(Share.FromText.class)
        @WithDefault("95%")
        Share maxShare();
    }
}
