package dev.segdiff.segment;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Printable;
import dev.segdiff.db.TableName;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A segment of a customer, written {@code C/S}. */
public record SegmentKey(long customerId, long segmentId) {
    private static final Pattern FORM = Pattern.compile("(\\d{1,18})/(\\d{1,18})");

    public SegmentKey {
        if (customerId < 0 || segmentId < 0) {
            throw new InvalidInputException(
                    "expected non-negative customer and segment, got " + customerId + " and " + segmentId);
        }
    }

    /** @throws InvalidInputException if the text is not of the form C/S */
    public static SegmentKey parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new InvalidInputException("expected CUSTOMER/SEGMENT such as 7/42, got " + Printable.quoted(text));
        }
        return new SegmentKey(Long.parseLong(matcher.group(1)), Long.parseLong(matcher.group(2)));
    }

    /** The table that holds the members at this version. */
    TableName snapshot(long version) {
        return new TableName("segdiff", "segment_" + customerId + "_" + segmentId + "_" + version);
    }

    @Override
    public String toString() {
        return customerId + "/" + segmentId;
    }
}
