package dev.segdiff.table;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A condition for the {@code where} of a statement, with its binds. */
public record Where(String sql, List<Object> binds) {
    public static Where of(String sql, Object... binds) {
        return new Where(sql, Arrays.asList(binds));
    }

    private static final Where ANY = of("true");

    public Where and(Where other) {
        if (equals(ANY)) {
            return other;
        }
        List<Object> all = new ArrayList<>(binds);
        all.addAll(other.binds);
        return new Where(sql + " and " + other.sql, all);
    }

    /**
     * Rows from a value on; if {@code inclusive} is false, only rows after this value; all rows if the value is null.
     */
    public static Where from(TimedTable table, @Nullable String value, boolean inclusive) {
        return value == null
                ? ANY
                : of("%s %s cast(? as %s)".formatted(table.column(), inclusive ? ">=" : ">", table.type()), value);
    }

    public static Where below(TimedTable table, String value) {
        return of("%s < cast(? as %s)".formatted(table.column(), table.type()), value);
    }

    public static Where at(TimedTable table, String value) {
        return of("%s = cast(? as %s)".formatted(table.column(), table.type()), value);
    }

    /**
     * Rows that lie on these pages of the table. The page {@code from} belongs to them, the page {@code until} does
     * not.
     */
    public static Where pages(long from, long until) {
        return of("ctid >= cast(? as tid) and ctid < cast(? as tid)", "(" + from + ",0)", "(" + until + ",0)");
    }
}
