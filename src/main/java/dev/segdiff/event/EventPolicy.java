package dev.segdiff.event;

import dev.segdiff.db.Share;
import dev.segdiff.db.TableName;
import dev.segdiff.table.PartitionInterval;
import java.time.Duration;
import java.time.ZoneId;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * An event table and how long its rows are kept, as configured. All values have been checked as far as this is possible
 * without the database.
 *
 * @param column the column that holds the time of a row, or an id that begins with this time
 * @param idColumn whether the column holds ids that begin with the time
 * @param zone the time zone of a {@code timestamp} or {@code date} column
 * @param trashAfter how long an expired partition waits in the trash before it is dropped
 * @param maxShare the largest share of the table that one run removes without a person; if more would go, the policy is
 *     held back
 */
public record EventPolicy(
        String name,
        TableName table,
        String column,
        boolean idColumn,
        Duration retention,
        ZoneId zone,
        boolean enabled,
        boolean requireIndex,
        OptionalLong maxRows,
        boolean view,
        int partitionsAhead,
        Optional<PartitionInterval> partitionInterval,
        Duration trashAfter,
        Share maxShare) {
    /** The shortest retention. A shorter one is more likely a typing mistake, such as 30m for 30d, than a wish. */
    private static final Duration MIN_RETENTION = Duration.ofHours(1);

    /**
     * The longest retention, a hundred years. No law asks for a longer one, and PostgreSQL can write every date that
     * far back.
     */
    private static final Duration MAX_RETENTION = Duration.ofDays(36_500);

    static final Share MAX_SHARE = new Share(0.95);

    /** The name of the policy in problems, such as "policy audit". */
    String subject() {
        return "policy " + name;
    }

    static boolean isRetention(Duration wanted) {
        return wanted.compareTo(MIN_RETENTION) >= 0 && wanted.compareTo(MAX_RETENTION) <= 0;
    }

    /** A policy with the defaults of the configuration. */
    public static EventPolicy of(String name, TableName table, String timeColumn, Duration retention) {
        return new EventPolicy(
                name,
                table,
                timeColumn,
                false,
                retention,
                ZoneId.of("UTC"),
                true,
                true,
                OptionalLong.empty(),
                true,
                3,
                Optional.empty(),
                Duration.ofDays(3),
                MAX_SHARE);
    }
}
