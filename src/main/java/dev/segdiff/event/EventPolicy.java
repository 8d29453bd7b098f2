package dev.segdiff.event;

import dev.segdiff.db.Share;
import dev.segdiff.db.TableName;
import dev.segdiff.table.PartitionInterval;
import java.time.Duration;
import java.time.ZoneId;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How long the rows of a table are kept, checked as far as it can be without the database.
 *
 * @param column the column that tells a row's time
 * @param idColumn whether that is an id that begins with the time
 * @param zone the zone of a column without one
 * @param trashAfter how long an expired partition waits before it is dropped
 * @param maxShare a run that would remove a larger share of the table is held back
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
    /** Less is more likely a slip of the pen than a wish. */
    private static final Duration MIN_RETENTION = Duration.ofHours(1);

    /** A hundred years: longer than any retention that a law asks for, and every date before then can be written. */
    private static final Duration MAX_RETENTION = Duration.ofDays(36_500);

    static final Share MAX_SHARE = new Share(0.95);

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
