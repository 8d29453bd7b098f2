package dev.segdiff.index;

import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Computes the size of a row of a table, or of an entry of an index. PostgreSQL lays out both in the same way, except
 * for their headers.
 */
final class Tuple {
    /** PostgreSQL's MAXALIGN, in bytes, on all machines of today. */
    private static final int MAX_ALIGN = 8;

    private Tuple() {}

    /**
     * A column as statistics know it.
     *
     * @param length the length in bytes; negative if it varies
     * @param align the alignment in bytes
     * @param width the average width in bytes of a column whose length varies; null: unknown
     * @param nulls the share of rows without a value
     * @param distinct the number of different values as in {@code pg_stats.n_distinct}; if negative, the share of all
     *     rows
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

    /**
     * The columns {@code lengths}, {@code aligns}, {@code widths}, {@code nulls}, {@code distincts} of a row of a
     * result.
     */
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

    /** Whether the width of each column is known. */
    static boolean areKnown(List<Column> columns) {
        return columns.stream().allMatch(Column::isKnown);
    }

    /**
     * The average size in bytes. A row with a null has a larger header, and takes no bytes for the null.
     *
     * @param header the size of the header of a row without a null
     * @param headerWithNulls the size of the header of a row with a null
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
