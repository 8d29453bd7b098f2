package dev.segdiff.server.page;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Writes numbers and times as people say them. */
final class Phrases {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm'Z'").withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter HOUR =
            DateTimeFormatter.ofPattern("HH:mm'Z'").withZone(ZoneOffset.UTC);

    private Phrases() {}

    /** An age with its two largest units at most, such as 3 d 4 h, 5 min or 12 s. */
    static String age(Duration age) {
        if (age.toDays() > 0) {
            return age.toDays() + " d"
                    + (age.toHoursPart() == 0 || age.toDays() > 9 ? "" : " " + age.toHoursPart() + " h");
        } else if (age.toHours() > 0) {
            return age.toHours() + " h" + (age.toMinutesPart() == 0 ? "" : " " + age.toMinutesPart() + " min");
        }
        return age.toMinutes() > 0 ? age.toMinutes() + " min" : age.toSeconds() + " s";
    }

    static String time(Instant time) {
        return TIME.format(time);
    }

    /** How long it is until a time, and the time itself. */
    static String until(Instant time, Instant now) {
        Duration until = Duration.between(now, time);
        return "in " + age(until) + ", " + (until.toHours() < 24 ? HOUR : TIME).format(time);
    }

    static String number(double number) {
        return String.format(Locale.ROOT, "%,d", Math.round(number));
    }

    static String counts(Map<String, Long> counts) {
        return counts.entrySet().stream()
                .map(count -> number(count.getValue()) + " " + count.getKey().replace('_', ' '))
                .collect(Collectors.joining(", "));
    }
}
