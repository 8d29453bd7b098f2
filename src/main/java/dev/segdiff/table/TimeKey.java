package dev.segdiff.table;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoField;
import java.time.zone.ZoneOffsetTransition;
import java.util.Locale;
import java.util.Optional;

/**
 * How the time of a row is written in its column.
 *
 * @param zone what a column without a zone means
 * @param lowerCase how the table writes its ULIDs
 */
public record TimeKey(Kind kind, ZoneId zone, boolean lowerCase) {
    public enum Kind {
        TIMESTAMPTZ,
        TIMESTAMP,
        DATE,
        UUID,
        /** A UUIDv7 as text. */
        UUID_TEXT,
        ULID;

        /** Whether values are ids that begin with a time. */
        public boolean isId() {
            return this == UUID || this == UUID_TEXT || this == ULID;
        }
    }

    private static final String CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    /** PostgreSQL's ISO style, with as many digits as there are. */
    private static final DateTimeFormatter LOCAL = new DateTimeFormatterBuilder()
            .appendPattern("yyyy-MM-dd HH:mm:ss")
            .appendFraction(ChronoField.NANO_OF_SECOND, 0, 6, true)
            .toFormatter(Locale.ROOT);

    private static final DateTimeFormatter DAY = DateTimeFormatter.ofPattern("yyyy-MM-dd", Locale.ROOT);

    /** PostgreSQL's timestamps and dates begin in November 4713 BC, which is the year -4712. */
    private static final int FIRST_YEAR = -4711;

    /** The ids begin with a count of milliseconds since 1970 in 48 bits, without a sign. */
    private static final long LAST_ID_MILLIS = (1L << 48) - 1;

    private static final DateTimeFormatter WITH_OFFSET = new DateTimeFormatterBuilder()
            .append(LOCAL)
            .appendPattern("[xxx][xx][x]")
            .toFormatter(Locale.ROOT);

    /** The least value that is not older than this instant: whatever is below has expired for certain. */
    public String bound(Instant horizon) {
        return switch (kind) {
            case TIMESTAMPTZ -> withEra(LOCAL, "+00", LocalDateTime.ofInstant(horizon, ZoneOffset.UTC));
            case TIMESTAMP -> withEra(LOCAL, "", earliestLocal(horizon));
            case DATE -> withEra(DAY, "", earliestLocal(horizon));
            case UUID -> uuid(horizon);
            case UUID_TEXT -> lowerCase ? uuid(horizon) : uuid(horizon).toUpperCase(Locale.ROOT);
            case ULID -> ulid(horizon);
        };
    }

    /** Where a partition that begins at this time begins. */
    public String literal(ZonedDateTime time) {
        return kind == Kind.TIMESTAMP
                ? withEra(LOCAL, "", time.withZoneSameInstant(zone).toLocalDateTime())
                : bound(time.toInstant());
    }

    /** The time that a value stands for, in its zone; empty for infinity and for what is no such value. */
    public Optional<ZonedDateTime> time(String value) {
        try {
            return Optional.of(
                    switch (kind) {
                        case TIMESTAMPTZ ->
                            OffsetDateTime.parse(value, WITH_OFFSET).atZoneSameInstant(zone);
                        case TIMESTAMP -> LocalDateTime.parse(value, LOCAL).atZone(zone);
                        case DATE -> LocalDate.parse(value).atStartOfDay(zone);
                        case UUID, UUID_TEXT ->
                            millis(Long.parseLong(value.replace("-", "").substring(0, 12), 16));
                        case ULID -> millis(ulidMillis(value));
                    });
        } catch (DateTimeParseException | IllegalArgumentException | IndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }

    /**
     * The least local time that any instant from this one on can have. Clocks go back: an hour before they do, the later
     * instants of that hour already are in the past.
     */
    private LocalDateTime earliestLocal(Instant instant) {
        LocalDateTime local = LocalDateTime.ofInstant(instant, zone);
        ZoneOffsetTransition next = zone.getRules().nextTransition(instant);
        return next != null && next.isOverlap() && next.getDateTimeAfter().isBefore(local)
                ? next.getDateTimeAfter()
                : local;
    }

    /** As PostgreSQL writes it: years before Christ count backwards and have their era behind them. */
    private static String withEra(DateTimeFormatter format, String offset, LocalDateTime time) {
        if (time.getYear() < FIRST_YEAR) {
            return "-infinity";
        }
        return format.format(time) + offset + (time.getYear() > 0 ? "" : " BC");
    }

    /** An id cannot tell a time before 1970: the least id stands for all of them, and nothing lies below. */
    private static long idMillis(Instant instant) {
        return Math.max(0, Math.min(LAST_ID_MILLIS, instant.toEpochMilli()));
    }

    private ZonedDateTime millis(long millis) {
        return Instant.ofEpochMilli(millis).atZone(zone);
    }

    private static String uuid(Instant instant) {
        String digits = String.format("%012x%020d", idMillis(instant), 0);
        return digits.replaceFirst("(.{8})(.{4})(.{4})(.{4})(.{12})", "$1-$2-$3-$4-$5");
    }

    private String ulid(Instant instant) {
        long millis = idMillis(instant);
        StringBuilder text = new StringBuilder();
        for (int shift = 45; shift >= 0; shift -= 5) {
            text.append(CROCKFORD.charAt((int) (millis >> shift) & 31));
        }
        String ulid = text + "0".repeat(16);
        return lowerCase ? ulid.toLowerCase(Locale.ROOT) : ulid;
    }

    private static long ulidMillis(String ulid) {
        long millis = 0;
        for (char digit : ulid.substring(0, 10).toUpperCase(Locale.ROOT).toCharArray()) {
            int value = CROCKFORD.indexOf(digit);
            if (value < 0) {
                throw new IllegalArgumentException("no ULID");
            }
            millis = millis << 5 | value;
        }
        return millis;
    }
}
