package dev.segdiff.index;

import java.time.LocalTime;
import java.time.format.DateTimeParseException;
import org.eclipse.microprofile.config.spi.Converter;
import org.jspecify.annotations.Nullable;

/**
 * The time of day in which heavy work may begin. The window may pass midnight, such as 22:00-06:00.
 *
 * @param from the first minute of the window; null: any time
 * @param to the end of the window, which does not belong to it; null: any time
 */
public record TimeWindow(@Nullable LocalTime from, @Nullable LocalTime to) {
    private static final String ANY = "any";

    public boolean isOpen(LocalTime now) {
        if (from == null || to == null) {
            return true;
        }
        boolean begun = !now.isBefore(from);
        boolean over = !now.isBefore(to);
        return from.isBefore(to) ? begun && !over : begun || !over;
    }

    @Override
    public String toString() {
        return from == null ? ANY : from + "-" + to;
    }

    /** Reads {@code 22:00-06:00} or {@code any}. */
    public static final class FromText implements Converter<TimeWindow> {
        private static final long serialVersionUID = 1;

        @Override
        public TimeWindow convert(String text) {
            if (text.strip().equals(ANY)) {
                return new TimeWindow(null, null);
            }
            String[] times = text.strip().split("-", -1);
            try {
                LocalTime from = LocalTime.parse(times[0]);
                LocalTime to = LocalTime.parse(times[1]);
                if (times.length == 2 && !from.equals(to)) {
                    return new TimeWindow(from, to);
                }
            } catch (DateTimeParseException | ArrayIndexOutOfBoundsException e) {
                // The exception below says what is expected, as for all other mistakes.
            }
            throw new IllegalArgumentException("expected a time of the day such as 22:00-06:00, or any");
        }
    }
}
