package dev.segdiff.db;

import io.quarkus.runtime.configuration.DurationConverter;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import org.eclipse.microprofile.config.spi.Converter;
import org.jspecify.annotations.Nullable;

/** Converters of configuration values. Their error messages say which values are allowed. */
public final class ConfigConverters {
    /** The longest duration, a hundred years. A longer one is a mistake, and PostgreSQL cannot hold it everywhere. */
    private static final Duration MAX_DURATION = Duration.ofDays(36_500);

    private ConfigConverters() {}

    /** A whole number from 1 on. */
    public static final class Positive implements Converter<Integer> {
        private static final long serialVersionUID = 1;

        @Override
        public Integer convert(String text) {
            if (!text.matches("0*[1-9]\\d{0,8}")) {
                throw new IllegalArgumentException("expected a whole number from 1 on");
            }
            return Integer.valueOf(text);
        }
    }

    /** A whole number from 0 on. */
    public static final class NotNegative implements Converter<Integer> {
        private static final long serialVersionUID = 1;

        @Override
        public Integer convert(String text) {
            if (!text.matches("\\d{1,9}")) {
                throw new IllegalArgumentException("expected a whole number from 0 to 999999999");
            }
            return Integer.valueOf(text);
        }
    }

    /** A duration of a second or more. */
    public static final class Seconds implements Converter<Duration> {
        private static final long serialVersionUID = 1;

        @Override
        public @Nullable Duration convert(String text) {
            return within(
                    text,
                    Duration.ofSeconds(1),
                    MAX_DURATION,
                    "expected a duration of a second or more, such as 90s, 30m or 12h, and at most 36500d");
        }
    }

    /** A duration that may be 0. */
    public static final class Span implements Converter<Duration> {
        private static final long serialVersionUID = 1;

        @Override
        public @Nullable Duration convert(String text) {
            return within(
                    text,
                    Duration.ZERO,
                    MAX_DURATION,
                    "expected a duration of 0 or more, such as 0s, 90s or 12h, and at most 36500d");
        }
    }

    /**
     * The time limit of a statement or a wait. PostgreSQL counts milliseconds in 31 bits (24 days), and takes 0 for no
     * limit, so 0 is refused.
     */
    public static final class Timeout implements Converter<Duration> {
        private static final long serialVersionUID = 1;
        private static final Duration MAX_TIMEOUT = Duration.ofDays(24);

        @Override
        public @Nullable Duration convert(String text) {
            return within(
                    text,
                    Duration.ofMillis(1),
                    MAX_TIMEOUT,
                    "expected a duration from 1ms to 24d, such as 500ms, 30s or 2h");
        }
    }

    /** The words true and false. Other words, such as yes, are refused. */
    public static final class Switch implements Converter<Boolean> {
        private static final long serialVersionUID = 1;

        @Override
        public Boolean convert(String text) {
            return switch (text.strip()) {
                case "true" -> true;
                case "false" -> false;
                default -> throw new IllegalArgumentException("expected true or false");
            };
        }
    }

    /** A time zone by its name, such as Europe/Berlin. */
    public static final class Zone implements Converter<ZoneId> {
        private static final long serialVersionUID = 1;

        @Override
        public ZoneId convert(String text) {
            // Java and PostgreSQL read offsets and names such as GMT+2 with opposite signs.
            if (!ZoneId.getAvailableZoneIds().contains(text)) {
                throw new IllegalArgumentException("expected a time zone by name, such as UTC or Europe/Berlin");
            }
            return ZoneId.of(text);
        }
    }

    /** The duration in the text, if it lies between the limits; null if the text is empty, which means no value. */
    private static @Nullable Duration within(String text, Duration least, Duration most, String expected) {
        Duration duration = parse(text);
        if (duration == null) {
            return null;
        }
        if (duration.compareTo(least) < 0 || duration.compareTo(most) > 0) {
            throw new IllegalArgumentException(expected);
        }
        return duration;
    }

    private static @Nullable Duration parse(String text) {
        try {
            return DurationConverter.parseDuration(text);
        } catch (IllegalArgumentException | ArithmeticException | DateTimeException e) {
            throw new IllegalArgumentException("expected a duration such as 90s, 30m or 12h", e);
        }
    }
}
