package dev.segdiff.partitioning;

import dev.segdiff.db.ColumnName;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Printable;
import dev.segdiff.table.PartitionInterval;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How a table is to be partitioned: by which column, and into which partitions. */
public sealed interface Scheme {
    ColumnName column();

    /** What stands after {@code partition by}, such as {@code range ("created_at")}. */
    String clause();

    /** The scheme as a person writes it, such as {@code range(created_at) month}. */
    String text();

    /** A partition for each hour, day, week, month or year of a time, or of the time in a UUIDv7. */
    record TimeRange(ColumnName column, PartitionInterval interval) implements Scheme {
        @Override
        public String text() {
            return "range(" + column.name() + ") " + interval.name().toLowerCase(Locale.ROOT);
        }

        @Override
        public String clause() {
            return "range (" + column + ")";
        }
    }

    /** A partition for each so many numbers, such as 10,000,000 values of an identity column. */
    record NumberRange(ColumnName column, long step) implements Scheme {
        @Override
        public String text() {
            return "range(" + column.name() + ") " + step;
        }

        @Override
        public String clause() {
            return "range (" + column + ")";
        }
    }

    /** So many partitions, of which a hash of the value chooses one. */
    record Hash(ColumnName column, int partitions) implements Scheme {
        @Override
        public String text() {
            return "hash(" + column.name() + ") " + partitions;
        }

        @Override
        public String clause() {
            return "hash (" + column + ")";
        }
    }

    /** A partition for each value. */
    record Values(ColumnName column) implements Scheme {
        @Override
        public String text() {
            return "list(" + column.name() + ")";
        }

        @Override
        public String clause() {
            return "list (" + column + ")";
        }
    }

    /** The largest number of hash partitions. PostgreSQL plans a query without the key for each of them. */
    int MAX_HASH = 1_000;

    Pattern SYNTAX = Pattern.compile(
            "(range|hash|list)\\s*\\(\\s*([a-z_][a-z0-9_$]*|\"(?:[^\"]|\"\")+\")\\s*\\)(?:\\s+(\\w+))?",
            Pattern.CASE_INSENSITIVE);

    String EXPECTED = "expected 'range(created_at) month', 'range(id) 10000000', 'hash(user_id) 64' or 'list(region)'";

    /**
     * Reads a scheme such as {@code range(created_at) month}.
     *
     * @throws InvalidInputException if the text is no scheme
     */
    static Scheme parse(String text) {
        Matcher matcher = SYNTAX.matcher(text.strip());
        if (!matcher.matches()) {
            throw wrong(text);
        }
        ColumnName column = column(matcher.group(2));
        String size = matcher.group(3);
        return switch (matcher.group(1).toLowerCase(Locale.ROOT)) {
            case "list" -> {
                if (size != null) {
                    throw wrong(text);
                }
                yield new Values(column);
            }
            case "hash" -> new Hash(column, Math.toIntExact(number(text, size, 2, MAX_HASH)));
            default ->
                interval(size)
                        .<Scheme>map(interval -> new TimeRange(column, interval))
                        .orElseGet(() -> new NumberRange(column, number(text, size, 1, Long.MAX_VALUE)));
        };
    }

    private static ColumnName column(String text) {
        return new ColumnName(
                text.startsWith("\"")
                        ? text.substring(1, text.length() - 1).replace("\"\"", "\"")
                        : text.toLowerCase(Locale.ROOT));
    }

    private static Optional<PartitionInterval> interval(String size) {
        return Arrays.stream(PartitionInterval.values())
                .filter(interval -> interval.name().equalsIgnoreCase(size))
                .findFirst();
    }

    private static long number(String text, String size, long least, long most) {
        if (size == null || !size.matches("\\d{1,18}")) {
            throw wrong(text);
        }
        long number = Long.parseLong(size);
        if (number < least || number > most) {
            throw new InvalidInputException("--by " + Printable.quoted(text) + ": expected a number from " + least
                    + " to " + most + ", got " + number);
        }
        return number;
    }

    private static InvalidInputException wrong(String text) {
        return new InvalidInputException("--by: " + EXPECTED + ", got " + Printable.quoted(text));
    }
}
