package dev.segdiff.table;

import dev.segdiff.db.Session;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The SQL that finds rows of a table by their time. */
public final class TimeQueries {
    /**
     * The values at which a batch begins and ends.
     *
     * @param first the smallest value of the batch; null if there are no rows
     * @param next the value with which the rows after the batch begin; null if no rows come after the batch
     * @param rows the number of rows that were found, at most one more than asked for
     */
    public record Keys(@Nullable String first, @Nullable String next, long rows) {}

    /**
     * The range of pages in which the rows of one value lie. The page {@code from} belongs to the range, the page
     * {@code until} does not.
     */
    public record Pages(long from, long until) {}

    /** The binds are those of the condition, then the number of rows plus one, then the number of rows. */
    private static final String KEYS = """
            with keys as materialized (select %1$s as key from %2$s where %3$s order by %1$s limit ?)
            select (select key::text from keys limit 1) as first, (select key::text from keys offset ? limit 1) as next,
                (select count(*) from keys) as rows""";

    private TimeQueries() {}

    /** The statement that {@link #keys} runs. */
    public static String keysSql(TimedTable table, Where where) {
        return KEYS.formatted(table.column(), table.table(), where.sql());
    }

    /**
     * Finds the first rows that meet the condition, in the order of their time. PostgreSQL reads only the index for
     * this, where possible.
     */
    public static Keys keys(Session session, TimedTable table, Where where, long rows) {
        List<Object> binds = new ArrayList<>(where.binds());
        binds.add(rows + 1);
        binds.add(rows);
        return session.one(
                keysSql(table, where),
                row -> new Keys(row.getString("first"), row.getString("next"), row.getLong("rows")),
                binds.toArray());
    }

    /**
     * The range of pages in which the rows that meet the condition lie. In a table to which rows are only appended,
     * rows of one time lie on pages next to each other.
     */
    public static Pages pagesOf(Session session, TimedTable table, Where where) {
        return session.one(
                """
                select coalesce((min(ctid)::text::point)[0]::bigint, 0) as first,
                    coalesce((max(ctid)::text::point)[0]::bigint, -1) as last
                from %s where %s
                """.formatted(table.table(), where.sql()),
                row -> new Pages(row.getLong("first"), row.getLong("last") + 1),
                where.binds().toArray());
    }

    public static boolean isEmpty(Session session, TimedTable table) {
        return session.one("select not exists (select from " + table.table() + ")", row -> row.getBoolean(1));
    }

    /** Counts the rows that meet the condition, in which the table is called {@code t}. */
    public static long countRows(Session session, TimedTable table, Where where) {
        return session.one(
                "select count(*) from %s t where %s".formatted(table.table(), where.sql()),
                row -> row.getLong(1),
                where.binds().toArray());
    }
}
