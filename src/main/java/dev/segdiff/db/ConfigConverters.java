package dev.segdiff.db;

import io.quarkus.runtime.configuration.DurationConverter;
import java.time.Duration;
import java.time.ZoneId;
import org.eclipse.microprofile.config.spi.Converter;

/** Converters of configuration values whose errors say what is allowed. */
public final class ConfigConverters {
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

    /** A duration of a second or more. */
    public static final class Seconds implements Converter<Duration> {
        private static final long serialVersionUID = 1;

        @Override
        public Duration convert(String text) {
            Duration duration = parse(text);
            if (duration.compareTo(Duration.ofSeconds(1)) < 0) {
                throw new IllegalArgumentException("expected a duration of a second or more, such as 90s, 30m or 12h");
            }
            return duration;
        }

        private static Duration parse(String text) {
            try {
                return DurationConverter.parseDuration(text);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("expected a duration such as 90s, 30m or 12h", e);
            }
        }
    }

    /** True or false, and nothing that could be taken for either. */
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

    /** A time zone by name. */
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
}
