package dev.segdiff.segment;

import dev.segdiff.db.FileProblem;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Printable;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/** Reads contact ids from text. The text has one number per line, or is CSV whose header names a column contact_id. */
final class ContactIds {
    private static final String HEADER = "contact_id";
    private static final String BYTE_ORDER_MARK = "\uFEFF";
    private static final CSVFormat FORMAT =
            CSVFormat.DEFAULT.builder().setIgnoreEmptyLines(true).setTrim(true).get();

    private ContactIds() {}

    /**
     * Calls the consumer with each id. The memory does not grow with the number of ids.
     *
     * @throws InvalidInputException at the first line that holds no id, with the number of the line
     */
    static void forEach(Reader input, LongConsumer consumer) {
        try (CSVParser lines = FORMAT.parse(input)) {
            Layout layout = null;
            for (CSVRecord line : lines) {
                if (layout == null) {
                    layout = Layout.of(line);
                    if (layout.header()) {
                        continue;
                    }
                }
                consumer.accept(id(line, layout, lines.getCurrentLineNumber()));
            }
        } catch (IOException e) {
            throw unreadable(e);
        } catch (UncheckedIOException | IllegalStateException e) {
            // The iterator wraps an IOException that happens while it reads.
            throw e.getCause() instanceof IOException cause ? unreadable(cause) : e;
        }
    }

    private static InvalidInputException unreadable(IOException e) {
        return new InvalidInputException("input cannot be read as CSV: " + FileProblem.reason(e));
    }

    /**
     * The layout of all lines, as the first line shows it: in which column the id is, and how many columns there are.
     */
    private record Layout(boolean header, int column, int columns) {
        static Layout of(CSVRecord first) {
            if (first.size() == 1 && withoutMark(first.get(0)).matches("[+-]?\\d+")) {
                return new Layout(false, 0, 1);
            }
            List<Integer> columns = IntStream.range(0, first.size())
                    .filter(i -> withoutMark(first.get(i)).equalsIgnoreCase(HEADER))
                    .boxed()
                    .toList();
            if (columns.size() == 1) {
                return new Layout(true, columns.get(0), first.size());
            } else if (columns.size() > 1) {
                throw new InvalidInputException(
                        "line 1: the header names " + HEADER + " " + columns.size() + " times, expected it once");
            }
            throw new InvalidInputException("line 1: expected a number, or a CSV header with " + HEADER + ", got "
                    + Printable.quoted(String.join(",", first.values())));
        }
    }

    private static long id(CSVRecord line, Layout layout, long lineBreaks) {
        // The parser counts line breaks. If the last line ends without one, this count is one too small, and the number
        // of the record is right.
        String place = "line " + Math.max(lineBreaks, line.getRecordNumber()) + ": ";
        if (line.size() != layout.columns()) {
            throw new InvalidInputException(place + "expected " + layout.columns() + " columns, got " + line.size());
        }
        String text = withoutMark(line.get(layout.column()));
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new InvalidInputException(
                    place + "expected a contact id (a whole number of 64 bits), got " + Printable.quoted(text));
        }
    }

    private static String withoutMark(String text) {
        return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1).strip() : text;
    }
}
