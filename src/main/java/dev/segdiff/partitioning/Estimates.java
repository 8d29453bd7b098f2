package dev.segdiff.partitioning;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.TableName;
import dev.segdiff.partitioning.PartitioningPlan.Estimate;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Estimates what a move costs, from statistics and from a sample that is read. */
@ApplicationScoped
class Estimates {
    /** The time limit of each question: a person waits for the plan. */
    private static final Duration QUERY_TIMEOUT = Duration.ofSeconds(2);

    /** The rows of the sample: enough for tens of milliseconds, so that the start of the query does not count. */
    private static final int SAMPLE = 20_000;

    /**
     * Filling in one row, with its indexes and in bounded batches, takes so many times as long as reading one row as
     * text. Measured on 1,000,000 rows: 500,000 rows a second are read, 33,000 are filled in.
     */
    private static final double FILL_PER_READ = 15;

    /** Two sides are read for a comparison. */
    private static final double VERIFY_PER_READ = 2;

    /** The largest number of partitions that is worth counting. */
    private static final int MOST = 100_000;

    /** The partitions that are made ahead of the newest row. */
    private static final int AHEAD = 2;

    private final Database database;

    Estimates(Database database) {
        this.database = database;
    }

    Estimate of(TableName table, Scheme scheme, Original original) {
        Double perRow = secondsPerRow(table);
        Long bytes = answer("select pg_total_relation_size(%d)".formatted(original.oid()), Long.class)
                .orElse(null);
        Long rows = original.rows() < 0 ? null : (long) original.rows();
        return new Estimate(
                partitions(table, scheme, original),
                rows,
                bytes,
                bytes,
                seconds(rows, perRow, FILL_PER_READ),
                seconds(rows, perRow, VERIFY_PER_READ),
                original.writesPerSecond());
    }

    private static @Nullable Long seconds(@Nullable Long rows, @Nullable Double perRow, double times) {
        return rows == null || perRow == null ? null : Math.round(Math.ceil(rows * perRow * times));
    }

    /** How long it takes to read one row as text; null if the table is empty or cannot be read in time. */
    private @Nullable Double secondsPerRow(TableName table) {
        return answer("""
                select (extract(epoch from clock_timestamp() - statement_timestamp()) / nullif(count(*), 0))::float8
                from (select length(r::text) as bytes from only %s r limit %d) sample
                having sum(sample.bytes) >= 0
                """.formatted(table, SAMPLE), Double.class).orElse(null);
    }

    private @Nullable Long partitions(TableName table, Scheme scheme, Original original) {
        if (scheme instanceof Scheme.Hash hash) {
            return (long) hash.partitions();
        } else if (scheme instanceof Scheme.Values) {
            return original.distinct() == null ? null : Math.round(original.distinct());
        } else if (scheme instanceof Scheme.NumberRange range) {
            return answer(
                            "select floor(max(%1$s) / %2$d.0) - floor(min(%1$s) / %2$d.0) + 1 + %3$d from only %4$s"
                                    .formatted(range.column(), range.step(), AHEAD, table),
                            Number.class)
                    .map(Number::longValue)
                    .orElse(null);
        }
        Scheme.TimeRange range = (Scheme.TimeRange) scheme;
        String time = Objects.equals(original.columnType(), "uuid") ? "segdiff.uuid_time(%s::text)" : "%s::timestamptz";
        // By order, because PostgreSQL 14 to 17 have no min of a uuid.
        return answer("""
                        select extract(epoch from oldest) || ' ' || extract(epoch from newest)
                        from (select (select %1$s from only %2$s order by %3$s limit 1) as oldest,
                                  (select %1$s from only %2$s order by %3$s desc limit 1) as newest) bounds
                        where isfinite(oldest) and isfinite(newest)
                        """.formatted(time.formatted(range.column()), table, range.column()), String.class)
                .flatMap(bounds -> intervals(range, bounds.split(" ", 2)))
                .map(count -> count + AHEAD)
                .orElse(null);
    }

    /** Empty if there are more than anybody would make, as for one row in a far future. */
    private static Optional<Long> intervals(Scheme.TimeRange range, String[] seconds) {
        ZonedDateTime newest = time(seconds[1]);
        long count = 0;
        for (ZonedDateTime start = range.interval().floor(time(seconds[0]));
                !start.isAfter(newest) && count <= MOST;
                start = range.interval().after(start)) {
            count++;
        }
        return count > MOST ? Optional.empty() : Optional.of(count);
    }

    private static ZonedDateTime time(String seconds) {
        return java.time.Instant.ofEpochSecond((long) Double.parseDouble(seconds))
                .atZone(ZoneOffset.UTC);
    }

    /** The value of a query; empty if it is null, not allowed, or not known in time. */
    private <T> Optional<T> answer(String sql, Class<T> type) {
        try {
            return database.ask(
                    QUERY_TIMEOUT, session -> session.first(sql, row -> Optional.ofNullable(row.getObject(1)))
                            .flatMap(value -> value)
                            .map(type::cast));
        } catch (DatabaseException e) {
            if (e.isLostConnection()) {
                throw e;
            }
            return Optional.empty();
        }
    }
}
