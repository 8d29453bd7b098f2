package dev.segdiff.segment;

import dev.segdiff.db.InvalidInputException;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.util.function.LongConsumer;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/** Reads contact ids from text: a number per line, or CSV whose header names a column contact_id. */
final class ContactIds {
    private static final String HEADER = "contact_id";
    private static final String BYTE_ORDER_MARK = "\uFEFF";
    private static final CSVFormat FORMAT =
            CSVFormat.DEFAULT.builder().setIgnoreEmptyLines(true).setTrim(true).get();

    private ContactIds() {}

    /**
     * Hands over each id, in constant memory.
     *
     * @throws InvalidInputException at the first line that holds none, with its number
     */
    static void forEach(Reader input, LongConsumer consumer) {
        try (CSVParser lines = FORMAT.parse(input)) {
            int column = -1;
            for (CSVRecord line : lines) {
                if (column < 0) {
                    column = column(line);
                    if (column < 0) {
                        column = header(line);
                        continue;
                    }
                }
                consumer.accept(id(line, column, lines.getCurrentLineNumber()));
            }
        } catch (IOException | UncheckedIOException | IllegalStateException e) {
            throw new InvalidInputException("input cannot be read as CSV: " + e.getMessage());
        }
    }

    /** Without a header there is one column; -1 if the first line is no id. */
    private static int column(CSVRecord first) {
        return first.size() == 1 && withoutMark(first.get(0)).matches("[+-]?\\d+") ? 0 : -1;
    }

    private static int header(CSVRecord first) {
        for (int i = 0; i < first.size(); i++) {
            if (withoutMark(first.get(i)).equalsIgnoreCase(HEADER)) {
                return i;
            }
        }
        throw new InvalidInputException("line 1: expected a number, or a CSV header with " + HEADER + ", got '"
                + String.join(",", first.values()) + "'");
    }

    private static long id(CSVRecord line, int column, long number) {
        String text = line.size() > column ? withoutMark(line.get(column)) : "";
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new InvalidInputException("line " + Math.max(number, line.getRecordNumber())
                    + ": expected a contact id (a whole number of 64 bits), got '" + text + "'");
        }
    }

    private static String withoutMark(String text) {
        return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1).strip() : text;
    }
}
