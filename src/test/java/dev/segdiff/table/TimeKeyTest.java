package dev.segdiff.table;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.table.TimeKey.Kind;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import org.junit.jupiter.api.Test;

class TimeKeyTest {
    private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");

    private static String bound(Kind kind, String instant) {
        return new TimeKey(kind, BERLIN, false).bound(Instant.parse(instant));
    }

    @Test
    void boundsAreWrittenAsTheirColumnsWriteThem() {
        assertThat(bound(Kind.TIMESTAMPTZ, "2026-01-02T03:04:05.000006Z")).isEqualTo("2026-01-02 03:04:05.000006+00");
        assertThat(bound(Kind.TIMESTAMP, "2026-01-02T03:04:05Z")).isEqualTo("2026-01-02 04:04:05");
        assertThat(bound(Kind.DATE, "2026-01-02T23:30:00Z")).isEqualTo("2026-01-03");
        assertThat(bound(Kind.UUID, "2023-11-14T22:13:20Z")).isEqualTo("018bcfe5-6800-0000-0000-000000000000");
        assertThat(bound(Kind.ULID, "2023-11-14T22:13:20Z")).isEqualTo("01HF7YAT000000000000000000");
    }

    @Test
    void valuesAreReadBack() {
        Instant instant = Instant.parse("2026-07-02T03:04:05.123Z");
        for (Kind kind : Kind.values()) {
            if (kind != Kind.DATE) {
                TimeKey key = new TimeKey(kind, BERLIN, false);
                assertThat(key.time(key.bound(instant)).map(ZonedDateTime::toInstant))
                        .as(kind.name())
                        .contains(instant);
            }
        }
    }

    @Test
    void infinityAndNonsenseHaveNoTime() {
        TimeKey key = new TimeKey(Kind.TIMESTAMPTZ, BERLIN, false);

        assertThat(key.time("-infinity")).isEmpty();
        assertThat(key.time("0044-03-15 00:00:00+00 BC")).isEmpty();
        assertThat(new TimeKey(Kind.UUID, BERLIN, false).time("x")).isEmpty();
    }

    /** For every minute around the night in which the clocks go back, and forward. */
    @Test
    void noLocalTimeThatIsStillToComeLiesBelowTheBound() {
        TimeKey key = new TimeKey(Kind.TIMESTAMP, BERLIN, false);
        for (String night : new String[] {"2026-10-24T22:00:00Z", "2026-03-28T22:00:00Z"}) {
            Instant start = Instant.parse(night);
            for (int minute = 0; minute < 600; minute++) {
                Instant horizon = start.plus(Duration.ofMinutes(minute));
                LocalDateTime bound = LocalDateTime.parse(key.bound(horizon).replace(' ', 'T'));
                for (int later = 0; later < 180; later++) {
                    LocalDateTime local = LocalDateTime.ofInstant(horizon.plus(Duration.ofMinutes(later)), BERLIN);
                    assertThat(local).isAfterOrEqualTo(bound);
                }
            }
        }
    }

    @Test
    void partitionIntervalsAreRecognisedAcrossDaylightSaving() {
        assertThat(PartitionInterval.between(at("2026-03-29T00:00"), at("2026-03-30T00:00")))
                .contains(PartitionInterval.DAY);
        assertThat(PartitionInterval.between(at("2026-10-01T00:00"), at("2026-11-01T00:00")))
                .contains(PartitionInterval.MONTH);
        assertThat(PartitionInterval.between(at("2026-10-19T00:00"), at("2026-10-26T00:00")))
                .contains(PartitionInterval.WEEK);
        assertThat(PartitionInterval.between(at("2026-01-01T00:00"), at("2026-01-11T00:00")))
                .isEmpty();
    }

    private static ZonedDateTime at(String local) {
        return LocalDateTime.parse(local).atZone(BERLIN);
    }
}
