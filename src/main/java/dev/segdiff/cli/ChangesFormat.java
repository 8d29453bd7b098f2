package dev.segdiff.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.segdiff.segment.SegmentKey;
import dev.segdiff.segment.SegmentReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/**
 * Writes the changes of a segment as they come, in one of several formats. The memory does not grow with their number.
 */
abstract class ChangesFormat implements SegmentReader.Consumer {
    static ChangesFormat of(
            SegmentsChangesCommand.Format format, SegmentKey key, @Nullable Long since, PrintWriter out) {
        return switch (format) {
            case table -> new People(key, since, out);
            case csv -> new Csv(out);
            case json -> new Json(key, since, out);
        };
    }

    /** @param any whether the segment has a version */
    abstract void end(boolean any);

    private static String word(boolean added) {
        return added ? "added" : "removed";
    }

    /** The format for people: one line for each contact, and a summary. */
    private static final class People extends ChangesFormat {
        private final SegmentKey key;
        private final @Nullable Long since;
        private final PrintWriter out;
        private long added;
        private long removed;

        People(SegmentKey key, @Nullable Long since, PrintWriter out) {
            this.key = key;
            this.since = since;
            this.out = out;
        }

        @Override
        public void header(long version, boolean complete) {
            out.println("segment " + key + ", "
                    + (complete
                            ? "all members at version " + version
                            : "changes from version " + since + " to " + version));
        }

        @Override
        public void change(long contactId, boolean isAdded) {
            out.println((isAdded ? "+ " : "- ") + contactId);
            added += isAdded ? 1 : 0;
            removed += isAdded ? 0 : 1;
        }

        @Override
        void end(boolean any) {
            out.println(any ? added + " added, " + removed + " removed" : "segment " + key + " has no version yet");
        }
    }

    /** CSV: a header and rows. The version is not part of it, so a program that needs the version asks for JSON. */
    private static final class Csv extends ChangesFormat {
        private final PrintWriter out;

        Csv(PrintWriter out) {
            this.out = out;
            out.println("contact_id,change");
        }

        @Override
        public void header(long version, boolean complete) {}

        @Override
        public void change(long contactId, boolean added) {
            out.println(contactId + "," + word(added));
        }

        @Override
        void end(boolean any) {}
    }

    /** JSON: one object with the fields of the header, and then an array of changes. */
    private static final class Json extends ChangesFormat {
        private final JsonGenerator json;

        Json(SegmentKey key, @Nullable Long since, PrintWriter out) {
            try {
                json = new JsonFactory()
                        .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
                        .createGenerator(out);
                json.writeStartObject();
                json.writeNumberField("customer_id", key.customerId());
                json.writeNumberField("segment_id", key.segmentId());
                if (since != null) {
                    json.writeNumberField("since", since);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void header(long version, boolean complete) throws IOException {
            json.writeNumberField("version", version);
            json.writeBooleanField("complete", complete);
            json.writeArrayFieldStart("changes");
        }

        @Override
        public void change(long contactId, boolean added) throws IOException {
            json.writeStartObject();
            json.writeNumberField("contact_id", contactId);
            json.writeStringField("change", word(added));
            json.writeEndObject();
        }

        @Override
        void end(boolean any) {
            try {
                if (!any) {
                    json.writeNullField("version");
                    json.writeArrayFieldStart("changes");
                }
                json.writeEndArray();
                json.writeEndObject();
                json.writeRaw(System.lineSeparator());
                json.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
