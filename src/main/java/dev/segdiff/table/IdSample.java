package dev.segdiff.table;

import dev.segdiff.db.Session;
import dev.segdiff.table.TimeKey.Kind;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A sample of a table's ids, which shows whether the ids begin with a time. The sample has the 100 smallest and the 100
 * largest ids, or any 100 ids if no index has them in order. Rows with random ids would expire at random. Ids that are
 * written in different ways, such as in upper and lower case, do not sort by their time. Both kinds of ids show at the
 * ends of the order, so a sample of the ends is enough.
 */
public final class IdSample {
    private static final int SIZE = 100;

    /**
     * The times in real ids are later than this. Random ids rarely look like a time between the year 2000 and now: an
     * id can hold 8,900 years, so fewer than one random id in a hundred does.
     */
    private static final Instant EARLIEST = Instant.parse("2000-01-01T00:00:00Z");

    /** How far the clock of a program that makes ids may be ahead of the database's clock. */
    private static final Duration CLOCK_DRIFT = Duration.ofDays(1);

    private final TimedTable table;
    private final List<String> ids;
    private final boolean lower;
    private final boolean upper;

    private IdSample(TimedTable table, List<String> ids) {
        this.table = table;
        this.ids = ids;
        this.lower = ids.stream().anyMatch(id -> !id.equals(id.toUpperCase(Locale.ROOT)));
        this.upper = ids.stream().anyMatch(id -> !id.equals(id.toLowerCase(Locale.ROOT)));
    }

    public static IdSample of(Session session, TimedTable table) {
        List<String> ids = new ArrayList<>();
        for (String order : table.indexed() ? List.of("order by 1", "order by 1 desc") : List.of("")) {
            ids.addAll(session.list(
                    "select id::text from (select %1$s as id from %2$s where %1$s is not null %3$s limit ?) ids"
                            .formatted(table.column(), table.table(), order),
                    row -> row.getString(1).strip(),
                    SIZE));
        }
        return new IdSample(table, ids);
    }

    /**
     * The key as the table really writes it: a text column may hold UUIDs in place of ULIDs, and letters may be lower
     * case.
     */
    public TimeKey key() {
        boolean uuids = table.key().kind() == Kind.ULID && ids.stream().anyMatch(id -> id.length() == 36);
        return new TimeKey(
                uuids ? Kind.UUID_TEXT : table.key().kind(), table.key().zone(), lower);
    }

    /** Why the ids do not tell the time of their rows; empty if they do. */
    public Optional<String> fault(Instant now) {
        TimeKey key = key();
        boolean timed = ids.stream().allMatch(id -> key.time(id)
                .map(ZonedDateTime::toInstant)
                .filter(time -> time.isAfter(EARLIEST) && time.isBefore(now.plus(CLOCK_DRIFT)))
                .isPresent());
        if (!timed) {
            return Optional.of("column %s of %s holds ids that do not begin with a time, expected UUIDv7 or ULID"
                    .formatted(table.column().name(), table.table().plain()));
        }
        boolean alike =
                !(lower && upper) && ids.stream().map(String::length).distinct().count() <= 1;
        return alike
                ? Optional.empty()
                : Optional.of(
                        "column %s of %s holds ids in different cases or lengths, whose order is not that of their time"
                                .formatted(table.column().name(), table.table().plain()));
    }
}
