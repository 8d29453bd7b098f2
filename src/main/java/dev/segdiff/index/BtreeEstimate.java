package dev.segdiff.index;

import dev.segdiff.index.Tuple.Column;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Estimates how many pages a fresh b-tree index needs, from the number of its entries and from what ANALYZE knows about
 * its columns. The method is that of queries which monitoring has used for a long time (ioguix,
 * pgsql-bloat-estimation): the number of entries times their size, divided by the room on a page. The layout of pages
 * is that of {@code nbtree.h}, {@code itup.h} and {@code nbtsort.c}.
 *
 * <p>Known errors: a few percent for columns of fixed width. For texts only the average width is known. The real width
 * may lie on the other side of an alignment (up to 8 bytes per entry), and the average includes values that are kept
 * elsewhere (TOAST). Since PostgreSQL 13 duplicates are stored once. The number of duplicates in several columns is
 * estimated as if the columns were independent, so such an index looks healthier than it is. {@code reltuples} is the
 * value of the last VACUUM or ANALYZE.
 *
 * @param pageSize in bytes
 * @param fillFactor the fill factor of leaves, in percent
 * @param deduplicated whether equal keys are stored once
 */
record BtreeEstimate(int pageSize, int fillFactor, boolean deduplicated) {
    /** The bytes of a page that hold no entries: its header of 24 bytes, and b-tree's own 16 bytes at the end. */
    private static final int OVERHEAD = 24 + 16;

    private static final int LINE_POINTER = 4;
    private static final int ENTRY_HEADER = 8;
    private static final int TABLE_ROW_ID = 6;

    /** How full {@code nbtsort.c} fills the pages above the leaves. */
    private static final double INNER_FILL = 0.70;

    /** The longest list of duplicates in a fresh index, as a part of a page. */
    private static final double LONGEST_LIST = 0.10;

    /**
     * The pages of a fresh index; empty if the width of a column is unknown.
     *
     * @param rows the number of entries
     */
    OptionalDouble pages(double rows, List<Column> columns) {
        if (rows < 0 || !Tuple.areKnown(columns)) {
            return OptionalDouble.empty();
        }
        double entry = Tuple.size(ENTRY_HEADER, 2 * ENTRY_HEADER, columns);
        double room = pageSize - OVERHEAD;
        // Each leaf except the last repeats the first key of its neighbour.
        double leaf = room - pageSize * (100 - fillFactor) / 100.0 - entry - LINE_POINTER;
        double duplicates = deduplicated && rows > 0 ? Math.max(1, rows / values(columns, rows)) : 1;
        double pages = Math.ceil(rows / duplicates * key(entry, duplicates) / leaf);
        double fanOut = Math.max(2, Math.floor((room - pageSize * (1 - INNER_FILL)) / (entry + LINE_POINTER)));
        double all = 1 + Math.max(1, pages);
        for (double level = pages; level > 1; all += level) {
            level = Math.ceil(level / fanOut);
        }
        return OptionalDouble.of(all);
    }

    /** The bytes that one key and its rows take. */
    private double key(double entry, double rows) {
        if (rows < 2) {
            return rows * (entry + LINE_POINTER);
        }
        double most = Math.max(2, Math.floor((pageSize * LONGEST_LIST - LINE_POINTER - entry) / TABLE_ROW_ID));
        double lists = Math.ceil(rows / most);
        return lists * (entry + LINE_POINTER) + rows * TABLE_ROW_ID;
    }

    private static double values(List<Column> columns, double rows) {
        return Math.min(
                rows,
                columns.stream().mapToDouble(column -> column.values(rows)).reduce(1, (a, b) -> a * b));
    }
}
