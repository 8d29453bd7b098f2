package dev.segdiff.event;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A part of a {@code where} with its binds. */
record Condition(String sql, List<Object> binds) {
    static Condition of(String sql, Object... binds) {
        return new Condition(sql, Arrays.asList(binds));
    }

    private static final Condition ANY = of("true");

    Condition and(Condition other) {
        if (equals(ANY)) {
            return other;
        }
        List<Object> all = new ArrayList<>(binds);
        all.addAll(other.binds);
        return new Condition(sql + " and " + other.sql, all);
    }

    /** Rows from a value on, or after it; all rows if there is none. */
    static Condition from(EventTable table, @Nullable String value, boolean inclusive) {
        return value == null
                ? ANY
                : of("%s %s cast(? as %s)".formatted(table.column(), inclusive ? ">=" : ">", table.type()), value);
    }

    static Condition below(EventTable table, String value) {
        return of("%s < cast(? as %s)".formatted(table.column(), table.type()), value);
    }

    static Condition at(EventTable table, String value) {
        return of("%s = cast(? as %s)".formatted(table.column(), table.type()), value);
    }

    /** Rows that lie in these pages of the table. */
    static Condition pages(long from, long until) {
        return of("ctid >= cast(? as tid) and ctid < cast(? as tid)", "(" + from + ",0)", "(" + until + ",0)");
    }
}
