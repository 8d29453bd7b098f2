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
 * How a column writes the time of a row, as a time, a date or an id. It converts times to values of the column and
 * back.
 *
 * @param zone the time zone of the values in a {@code timestamp} or {@code date} column
 * @param lowerCase whether the table writes its ids in lower case
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

        /** Whether the values are ids that begin with a time. */
        public boolean isId() {
            return this == UUID || this == UUID_TEXT || this == ULID;
        }
    }

    private static final String CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    /** PostgreSQL's ISO style, with as many digits of a second as there are, up to six. */
    private static final DateTimeFormatter LOCAL = new DateTimeFormatterBuilder()
            .appendPattern("yyyy-MM-dd HH:mm:ss")
            .appendFraction(ChronoField.NANO_OF_SECOND, 0, 6, true)
            .toFormatter(Locale.ROOT);

    private static final DateTimeFormatter DAY = DateTimeFormatter.ofPattern("yyyy-MM-dd", Locale.ROOT);

    /**
     * The first year that is used. PostgreSQL's timestamps and dates begin in November 4713 BC, which is the year
     * -4712, so the year -4711 is the first full one.
     */
    private static final int FIRST_YEAR = -4711;

    /** The largest time in an id. Ids begin with the milliseconds since 1970, in 48 bits without a sign. */
    private static final long LAST_ID_MILLIS = (1L << 48) - 1;

    private static final DateTimeFormatter WITH_OFFSET = new DateTimeFormatterBuilder()
            .append(LOCAL)
            .appendPattern("[xxx][xx][x]")
            .toFormatter(Locale.ROOT);

    /**
     * The smallest value of the column that is not older than the horizon. Every smaller value has expired for certain.
     */
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

    /** The lower bound, as the column writes it, of a partition that begins at this time. */
    public String literal(ZonedDateTime time) {
        return kind == Kind.TIMESTAMP
                ? withEra(LOCAL, "", time.withZoneSameInstant(zone).toLocalDateTime())
                : bound(time.toInstant());
    }

    /** The time of a value, in the key's zone; empty for infinity and for a text that is no value of this kind. */
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
     * The earliest local time that this instant or any later one can have. When clocks go back, local times repeat: a
     * later instant can have an earlier local time. Example: clocks go back from 03:00 to 02:00. At the first 02:30,
     * the earliest local time still to come is 02:00.
     */
    private LocalDateTime earliestLocal(Instant instant) {
        LocalDateTime local = LocalDateTime.ofInstant(instant, zone);
        ZoneOffsetTransition next = zone.getRules().nextTransition(instant);
        return next != null && next.isOverlap() && next.getDateTimeAfter().isBefore(local)
                ? next.getDateTimeAfter()
                : local;
    }

    /** The time as PostgreSQL writes it. Years before Christ count backwards and end with "BC". */
    private static String withEra(DateTimeFormatter format, String offset, LocalDateTime time) {
        if (time.getYear() < FIRST_YEAR) {
            return "-infinity";
        }
        return format.format(time) + offset + (time.getYear() > 0 ? "" : " BC");
    }

    /**
     * The milliseconds that an id of this time begins with. An id cannot hold a time before 1970: such a time gets the
     * smallest id, and no row lies below it.
     */
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
