package dev.segdiff.segment;

import dev.segdiff.db.Database;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Streams the changes of a segment. It reads them with the SQL function for readers, as any application does. */
@ApplicationScoped
public class SegmentReader {
    private final Database database;

    SegmentReader(Database database) {
        this.database = database;
    }

    /** Receives the header first, and then each change. */
    public interface Consumer {
        /**
         * @param version the version that the reader has afterwards
         * @param complete whether the changes are all members, so that the reader forgets what it had
         */
        void header(long version, boolean complete) throws IOException;

        void change(long contactId, boolean added) throws IOException;
    }

    /**
     * Reads the changes since a version, or all members.
     *
     * @return false if the segment has no version yet; then the consumer was not called
     */
    public boolean read(SegmentKey key, @Nullable Long since, Consumer consumer) {
        boolean[] any = new boolean[1];
        database.transaction(
                // A stream may take as long as its reader does. Only the wait for locks has a limit.
                database.defaults().statementTimeout(Duration.ZERO).idleTimeout(Duration.ZERO), session -> {
                    try {
                        session.stream(
                                "select version, complete, contact_id, added from segdiff.read_segment(?, ?, ?)",
                                row -> {
                                    if (any[0]) {
                                        consumer.change(row.getLong("contact_id"), row.getBoolean("added"));
                                    } else {
                                        any[0] = true;
                                        consumer.header(row.getLong("version"), row.getBoolean("complete"));
                                    }
                                },
                                key.customerId(),
                                key.segmentId(),
                                since);
                        return any[0];
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
        return any[0];
    }
}
