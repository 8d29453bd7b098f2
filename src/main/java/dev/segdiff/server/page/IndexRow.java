package dev.segdiff.server.page;

import dev.segdiff.index.ByteSize;
import dev.segdiff.index.IndexState;
import java.util.Locale;

/** An index on the page, with its size and how much of it is wasted. */
record IndexRow(String index, boolean valid, String size, String bloat, String wasted, String remarks) {
    static IndexRow of(IndexState index) {
        return new IndexRow(
                index.index().plain(),
                index.valid(),
                ByteSize.text(index.bytes()),
                index.bloat() == null ? "unknown" : String.format(Locale.ROOT, "%.2f", index.bloat()),
                ByteSize.text(index.wastedBytes()),
                String.join(", ", index.remarks()));
    }
}
