package dev.segdiff.index;

import dev.segdiff.index.Tuple.Column;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Estimates how many pages a fresh table needs, from the number of its rows and from what ANALYZE knows about its
 * columns. As for {@link BtreeEstimate}, the method is a known one. The layout of pages is that of
 * {@code htup_details.h} and {@code bufpage.h}.
 *
 * <p>Known errors: the average width is taken for all rows, so the estimate for a table of a few wide and many narrow
 * texts may be wrong by 10 to 20 %. Columns that were dropped, and values that were never analyzed, are not counted.
 * Values that are kept elsewhere (TOAST) are not looked at.
 */
final class HeapEstimate {
    private static final int PAGE_HEADER = 24;
    private static final int LINE_POINTER = 4;

    /** The bytes of a row's header, without the bitmap of nulls, which begins after it. */
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

    /** @param row the bytes of a row, with its header, aligned */
    static double pages(int pageSize, double rows, int fillFactor, double row) {
        double room = pageSize - PAGE_HEADER - pageSize * (100 - fillFactor) / 100.0;
        double perPage = room / (row + LINE_POINTER);
        // No row continues on the next page. But if many rows fit on a page, their number is an average and need not be
        // whole.
        return Math.max(1, Math.ceil(rows / (perPage < 10 ? Math.max(1, Math.floor(perPage)) : perPage)));
    }
}
