package dev.segdiff.index;

import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a row of a table, or an entry of an index, takes: PostgreSQL lays out both alike, but for their headers. */
final class Tuple {
    /** MAXALIGN, on all machines of today. */
    private static final int MAX_ALIGN = 8;

    private Tuple() {}

    /**
     * A column as statistics know it.
     *
     * @param length in bytes; negative if it varies
     * @param align in bytes
     * @param width of what varies, on average; null: unknown
     * @param nulls the part of rows without a value
     * @param distinct as in {@code pg_stats.n_distinct}: a number, or if negative a part of all rows
     */
    record Column(int length, int align, @Nullable Integer width, double nulls, double distinct) {
        private double end(double offset) {
            if (length >= 0) {
                return aligned(offset, align) + length;
            }
            // Below 127 bytes a value has a header of one byte and no alignment.
            int bytes = width == null ? 0 : width;
            return (bytes < 127 ? offset : aligned(offset, align)) + bytes;
        }

        private boolean isKnown() {
            return length >= 0 || width != null;
        }

        double values(double rows) {
            return Math.max(1, distinct < 0 ? -distinct * rows : distinct == 0 ? rows : distinct);
        }
    }

    /** The columns {@code lengths}, {@code aligns}, {@code widths}, {@code nulls}, {@code distincts} of a row of a result. */
    static List<Column> columns(ResultSet row) throws SQLException {
        @Nullable Object[] lengths = values(row, "lengths");
        @Nullable Object[] aligns = values(row, "aligns");
        @Nullable Object[] widths = values(row, "widths");
        @Nullable Object[] nulls = values(row, "nulls");
        @Nullable Object[] distincts = values(row, "distincts");
        List<Column> columns = new ArrayList<>();
        for (int i = 0; i < lengths.length; i++) {
            columns.add(new Column(
                    (Integer) lengths[i], (Integer) aligns[i], (Integer) widths[i], (Double) nulls[i], (Double)
                            distincts[i]));
        }
        return columns;
    }

    private static @Nullable Object[] values(ResultSet row, String name) throws SQLException {
        Array array = row.getArray(name);
        return array == null ? new Object[0] : (Object[]) array.getArray();
    }

    /** Whether it is known how wide each is. */
    static boolean areKnown(List<Column> columns) {
        return columns.stream().allMatch(Column::isKnown);
    }

    /**
     * Bytes, on average: those with a null have a larger header, and nothing in the place of the null.
     *
     * @param header of one without a null
     * @param headerWithNulls where there is one
     */
    static double size(int header, int headerWithNulls, List<Column> columns) {
        double whole = header;
        double noNull = 1;
        for (Column column : columns) {
            whole = column.end(whole);
            noNull *= 1 - column.nulls();
        }
        whole = aligned(whole, MAX_ALIGN);
        if (noNull == 1) {
            return whole;
        }
        double gaps = headerWithNulls;
        for (Column column : columns) {
            gaps += (column.end(gaps) - gaps) * (1 - column.nulls() / (1 - noNull));
        }
        return noNull * whole + (1 - noNull) * aligned(gaps, MAX_ALIGN);
    }

    static double aligned(double offset, int to) {
        return Math.ceil(offset / to) * to;
    }
}
