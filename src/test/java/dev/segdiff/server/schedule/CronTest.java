package dev.segdiff.server.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CronTest {
    private static final ZoneId UTC = ZoneId.of("UTC");
    private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");

    @Test
    void momentHasComeWhenTheClockShowsIt() {
        Cron cron = new Cron("5 0 * * *", UTC);

        assertThat(cron.last(Instant.parse("2026-03-02T00:05:00Z"))).hasValue(Instant.parse("2026-03-02T00:05:00Z"));
        assertThat(cron.last(Instant.parse("2026-03-02T00:04:59.999Z")))
                .hasValue(Instant.parse("2026-03-01T00:05:00Z"));
    }

    @Test
    void nextMomentIsNotTheOneThatHasCome() {
        assertThat(new Cron("5 0 * * *", UTC).next(Instant.parse("2026-03-02T00:05:00Z")))
                .hasValue(Instant.parse("2026-03-03T00:05:00Z"));
    }

    @Test
    void momentsAreThoseOfTheZone() {
        assertThat(new Cron("0 3 * * *", BERLIN).next(Instant.parse("2026-07-01T00:00:00Z")))
                .hasValue(Instant.parse("2026-07-01T01:00:00Z"));
    }

    @ParameterizedTest
    @CsvSource({"2026-03-29,2026-03-29T01:30:00Z", "2026-10-25,2026-10-25T00:30:00Z"})
    void dayOfAClockChangeHasItsDailyMomentOnce(LocalDate change, Instant expected) {
        Cron cron = new Cron("30 2 * * *", BERLIN);
        Instant midnight = change.atStartOfDay(BERLIN).toInstant();

        assertThat(moments(
                        cron, midnight, change.plusDays(1).atStartOfDay(BERLIN).toInstant()))
                .containsExactly(expected);
        assertThat(cron.next(midnight)).hasValue(expected);
    }

    @ParameterizedTest
    @CsvSource({"2026-03-29,23", "2026-10-25,25"})
    void hourlyScheduleGoesOnByTheHourWhenClocksChange(LocalDate change, int hours) {
        Instant midnight = change.atStartOfDay(BERLIN).toInstant();

        assertThat(moments(
                        new Cron("0 * * * *", BERLIN),
                        midnight,
                        change.plusDays(1).atStartOfDay(BERLIN).toInstant()))
                .hasSize(hours);
    }

    /** What a clock sees that looks every minute, as serve does. */
    private static List<Instant> moments(Cron cron, Instant from, Instant until) {
        return IntStream.iterate(0, minute -> from.plusSeconds(60L * minute).isBefore(until), minute -> minute + 1)
                .mapToObj(minute -> cron.last(from.plusSeconds(60L * minute)).orElseThrow())
                .filter(moment -> !moment.isBefore(from))
                .distinct()
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "daily", "* * * *", "61 0 * * *", "0 0 30 2 *", "0 0 5 0 * *"})
    void whatIsNoScheduleIsRefused(String expression) {
        assertThatThrownBy(() -> new Cron(expression, UTC)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void momentsOfAnHourlyScheduleAreAnHourApart() {
        Cron cron = new Cron("15 * * * *", UTC);
        List<Instant> moments = new ArrayList<>(List.of(Instant.parse("2026-03-02T00:00:00Z")));
        for (int i = 0; i < 3; i++) {
            moments.add(cron.next(moments.get(i)).orElseThrow());
        }

        assertThat(moments.subList(1, 4))
                .containsExactly(
                        Instant.parse("2026-03-02T00:15:00Z"),
                        Instant.parse("2026-03-02T01:15:00Z"),
                        Instant.parse("2026-03-02T02:15:00Z"));
    }
}
