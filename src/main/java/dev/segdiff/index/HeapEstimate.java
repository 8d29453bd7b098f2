package dev.segdiff.index;

import dev.segdiff.index.Tuple.Column;
import java.util.List;
import java.util.OptionalDouble;

/**
 * How many pages a fresh table needs for so many rows, by what ANALYZE knows of its columns; as for {@link BtreeEstimate},
 * an idea of the field. The layout is that of {@code htup_details.h} and {@code bufpage.h}.
 *
 * <p>Known errors: as the average width stands for all, a table of a few wide and many narrow texts may be off by a tenth
 * or two; columns that were dropped, and values that were never analyzed, do not count; what is kept elsewhere (TOAST) is
 * not looked at.
 */
final class HeapEstimate {
    private static final int PAGE_HEADER = 24;
    private static final int LINE_POINTER = 4;

    /** Without the bitmap of nulls, which begins in its last byte. */
    private static final int ROW_HEADER = 23;

    private HeapEstimate() {}

    /** The pages of a fresh table; empty if the rows or the width of a column are unknown. */
    static OptionalDouble pages(int pageSize, double rows, int fillFactor, List<Column> columns) {
        if (rows < 0 || !Tuple.areKnown(columns)) {
            return OptionalDouble.empty();
        }
        int bitmap = (columns.size() + 7) / 8;
        double row =
                Tuple.size((int) Tuple.aligned(ROW_HEADER, 8), (int) Tuple.aligned(ROW_HEADER + bitmap, 8), columns);
        return OptionalDouble.of(pages(pageSize, rows, fillFactor, row));
    }

    /** @param row bytes of a row, with its header, aligned */
    static double pages(int pageSize, double rows, int fillFactor, double row) {
        double room = pageSize - PAGE_HEADER - pageSize * (100 - fillFactor) / 100.0;
        double perPage = room / (row + LINE_POINTER);
        // No row goes on on the next page; but where many fit, their average need not fit a whole number of times.
        return Math.max(1, Math.ceil(rows / (perPage < 10 ? Math.max(1, Math.floor(perPage)) : perPage)));
    }
}
