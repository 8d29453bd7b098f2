package dev.segdiff.table;

import dev.segdiff.db.Session;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The SQL that finds rows by their time. */
public final class TimeQueries {
    /**
     * Where a batch begins and ends.
     *
     * @param first the least value; null: there is none
     * @param next the value after the batch; null: the batch is the rest
     * @param rows how many there are, up to one more than asked for
     */
    public record Keys(@Nullable String first, @Nullable String next, long rows) {}

    /** The pages between which rows of one value lie. */
    public record Pages(long from, long until) {}

    /** Binds: those of the condition, the number of rows and one, the number of rows. */
    private static final String KEYS = """
            with keys as materialized (select %1$s as key from %2$s where %3$s order by %1$s limit ?)
            select (select key::text from keys limit 1) as first, (select key::text from keys offset ? limit 1) as next,
                (select count(*) from keys) as rows""";

    private TimeQueries() {}

    /** The statement of {@link #keys}. */
    public static String keysSql(TimedTable table, Where where) {
        return KEYS.formatted(table.column(), table.table(), where.sql());
    }

    /** The first rows that meet the condition, in the order of their time, read from the index alone where possible. */
    public static Keys keys(Session session, TimedTable table, Where where, long rows) {
        List<Object> binds = new ArrayList<>(where.binds());
        binds.add(rows + 1);
        binds.add(rows);
        return session.one(
                keysSql(table, where),
                row -> new Keys(row.getString("first"), row.getString("next"), row.getLong("rows")),
                binds.toArray());
    }

    /** The pages in which rows of this value lie; they are next to each other where rows are only ever appended. */
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

    /** In the condition the table is called {@code t}. */
    public static long countRows(Session session, TimedTable table, Where where) {
        return session.one(
                "select count(*) from %s t where %s".formatted(table.table(), where.sql()),
                row -> row.getLong(1),
                where.binds().toArray());
    }
}
