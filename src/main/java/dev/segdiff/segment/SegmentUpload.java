package dev.segdiff.segment;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Session;
import dev.segdiff.segment.Publication.HeldBack;
import dev.segdiff.segment.Publication.Published;
import dev.segdiff.segment.SegmentPublisher.PublishOptions;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.LocalDate;
import org.jspecify.annotations.Nullable;
import org.postgresql.copy.CopyIn;

/**
 * Publishes the ids that a program streams in as the next version of an upload segment. Either all ids are published,
 * or nothing.
 */
@ApplicationScoped
public class SegmentUpload {
    private static final int BUFFER_BYTES = 64 * 1024;

    private final Database database;
    private final SegmentRegistry registry;
    private final SegmentDiffQueries queries;
    private final SegmentPublisher publisher;
    private final DiffPartitions partitions;

    SegmentUpload(
            Database database,
            SegmentRegistry registry,
            SegmentDiffQueries queries,
            SegmentPublisher publisher,
            DiffPartitions partitions) {
        this.database = database;
        this.registry = registry;
        this.queries = queries;
        this.publisher = publisher;
        this.partitions = partitions;
    }

    /** What was published, or held back because {@code removed} would have been too many. */
    @io.quarkus.runtime.annotations.RegisterForReflection
    public record Loaded(@Nullable Long version, long contacts, long added, long removed, boolean heldBack) {}

    /**
     * Ids that are loaded into a segment.
     *
     * @param input the ids, as {@link ContactIds} reads them: one id in each line, or CSV with a column contact_id
     * @param day the day of the version
     * @param accept whether to let a version through that would be held back
     */
    public record Upload(SegmentKey key, Reader input, LocalDate day, boolean accept) {}

    /**
     * Loads a version.
     *
     * @throws InvalidInputException if a line holds no id, with the number of the line, or if the segment is no upload
     *     segment
     */
    public Loaded load(Upload upload, Cancellation cancellation) {
        SegmentKey key = upload.key();
        if (registry.show(key).source() != null) {
            throw new InvalidInputException(
                    "segment " + key + " is read from its source: nothing can be loaded into it");
        }
        partitions.prepare(upload.day());
        try {
            return publish(upload, cancellation);
        } catch (DatabaseException e) {
            if (e.sqlState().equals(SegmentDiffQueries.NOT_CLAIMED)) {
                throw new InvalidInputException("segment " + key
                        + " is being loaded by somebody else, or has a version of a later day than " + upload.day());
            }
            throw e;
        }
    }

    private Loaded publish(Upload upload, Cancellation cancellation) {
        return database.transaction(publisher.settings(upload.day()), cancellation, session -> {
            copy(session, upload.input());
            DueSegment segment = queries.find(session, upload.key()).orElseThrow();
            PublishOptions options = new PublishOptions(upload.day(), true, false, upload.accept(), null);
            queries.claim(session, segment, options);
            Publication publication = publisher.publish(session, segment, SourceQuery.UPLOAD, options);
            if (publication instanceof Published version) {
                return new Loaded(version.version(), version.contacts(), version.added(), version.removed(), false);
            } else if (publication instanceof HeldBack held) {
                return new Loaded(null, held.contacts(), 0, held.removed(), true);
            }
            throw new InvalidInputException(((Publication.Problem) publication).reason());
        });
    }

    private static void copy(Session session, Reader input) {
        session.update("create temporary table segdiff_upload (contact_id bigint not null) on commit drop");
        CopyIn copy = session.copyIn("copy pg_temp.segdiff_upload from stdin");
        StringBuilder buffer = new StringBuilder(BUFFER_BYTES + 32);
        try {
            ContactIds.forEach(input, id -> {
                buffer.append(id).append('\n');
                if (buffer.length() >= BUFFER_BYTES) {
                    flush(copy, buffer);
                }
            });
            flush(copy, buffer);
            copy.endCopy();
        } catch (SQLException e) {
            throw new DatabaseException(e);
        } finally {
            cancelIfActive(copy);
        }
    }

    private static void flush(CopyIn copy, StringBuilder buffer) {
        byte[] bytes = buffer.toString().getBytes(StandardCharsets.US_ASCII);
        buffer.setLength(0);
        try {
            copy.writeToCopy(bytes, 0, bytes.length);
        } catch (SQLException e) {
            throw new DatabaseException(e);
        }
    }

    private static void cancelIfActive(CopyIn copy) {
        try {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        } catch (SQLException e) {
            // The copy ends with the transaction anyway, and the failure that led here is the one to report.
            org.jboss.logging.Logger.getLogger(SegmentUpload.class).debug("cancel of copy failed", e);
        }
    }
}
