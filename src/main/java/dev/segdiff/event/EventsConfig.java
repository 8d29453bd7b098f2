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

/** The configuration of the event policies: which tables hold events, and how long their rows are kept. */
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

    /** The policies by their names, such as "audit" for the keys {@code segdiff.events.audit.table} and so on. */
    @WithParentName
    Map<String, Policy> policies();

    /** The retention of one table. */
    interface Policy {
        /**
         * The event table, plain or partitioned by range on the column, such as public.event. Required. The policy
         * audit-log is there from the start: it has the table segdiff.audit_log.
         */
        Optional<String> table();

        /**
         * The column that holds the time of a row, of type timestamptz, timestamp or date. A policy has either this key
         * or id-column.
         */
        Optional<String> timeColumn();

        /**
         * The column that holds an id which begins with the time of the row: a UUIDv7 or a ULID, of type uuid or text.
         * A policy has either this key or time-column; with an id-column an index on the ids is enough.
         */
        Optional<String> idColumn();

        /**
         * How long rows are kept, from 1h to 36500d (100 years), such as 90d. Required. A row that is older expires; a
         * row that is exactly this old stays. To keep rows for ever, set enabled=false. The policy audit-log has the
         * retention 365d: changes of audited tables are remembered for so long.
         */
        @WithConverter(ConfigConverters.Span.class)
        Optional<Duration> retention();

        /**
         * The time zone of a timestamp or date column, such as Europe/Berlin. Without this key it is
         * {@code segdiff.time-zone}. Columns of type timestamptz and ids need no zone.
         */
        @WithConverter(ConfigConverters.Zone.class)
        Optional<ZoneId> zone();

        /** Whether the policy is applied. While it is false, no row and no partition of the table expires. */
        @WithConverter(ConfigConverters.Switch.class)
        @WithDefault("true")
        boolean enabled();

        /**
         * Whether a plain table is refused if it has no index that begins with the column. If this is false, each run
         * reads a table without such an index as a whole.
         */
        @WithConverter(ConfigConverters.Switch.class)
        @WithDefault("true")
        boolean requireIndex();

        /**
         * The largest number of rows that one run deletes, from 1 on. The next run deletes the rest. Without this key
         * there is no limit.
         */
        OptionalLong maxRows();

        /**
         * Whether segdiff makes the view segdiff.events_NAME for readers, which hides expired rows that have not been
         * deleted yet. The view stands in the way of dropping or changing columns of the table; false takes the view
         * away.
         */
        @WithConverter(ConfigConverters.Switch.class)
        @WithDefault("true")
        boolean view();

        /**
         * How many partitions of a partitioned table are made ahead, after the present one: 0 to 1000. With 0 segdiff
         * makes none, because another program makes them.
         */
        @WithConverter(ConfigConverters.NotNegative.class)
        @WithDefault("3")
        int partitionsAhead();

        /**
         * How much time a new partition covers: hour, day, week, month or year. Without this key a new partition covers
         * as much as the newest one, and a month if the table has no partition yet.
         */
        Optional<PartitionInterval> partitionInterval();

        /**
         * How long an expired partition waits in the schema segdiff_trash, from where it can be put back, before it is
         * dropped. With 0s it is dropped by the next run.
         */
        @WithConverter(ConfigConverters.Span.class)
        @WithDefault("3d")
        Duration trashAfter();

        /**
         * The largest share of the table's rows, by the planner's estimate, that one run removes without a person, such
         * as 95% or 0.95. A larger removal is held back until somebody lets it through once: run event-expiry --accept
         * NAME. The reason: a daily run removes about one day's rows, while a mistake in the retention, or a wrong
         * clock, removes nearly all. The share is not checked for tables of fewer than 1,000 rows.
         */
        @WithConverter(Share.FromText.class)
        @WithDefault("95%")
        Share maxShare();
    }
}
