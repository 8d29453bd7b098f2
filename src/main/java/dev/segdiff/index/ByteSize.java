package dev.segdiff.index;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.microprofile.config.spi.Converter;

/** A number of bytes, written as PostgreSQL does: 16MB are 16 * 1024 * 1024. */
public record ByteSize(long bytes) {
    private static final Map<String, Integer> POWERS = Map.of("kB", 1, "MB", 2, "GB", 3, "TB", 4);

    /** The size as people read it, such as 17 MB or 1.3 GB. */
    public static String text(long bytes) {
        if (bytes < 1024) {
            return bytes + " B";
        }
        double rest = bytes;
        int power = -1;
        while (rest >= 1024 && power < 3) {
            rest /= 1024;
            power++;
        }
        return String.format(Locale.ROOT, rest < 10 ? "%.1f %cB" : "%.0f %cB", rest, "kMGT".charAt(power));
    }

    @Override
    public String toString() {
        return text(bytes);
    }

    /** Reads {@code 16MB}. */
    public static final class FromText implements Converter<ByteSize> {
        private static final long serialVersionUID = 1;
        private static final Pattern SIZE = Pattern.compile("(\\d{1,9}) ?(kB|MB|GB|TB)");

        @Override
        public ByteSize convert(String text) {
            Matcher size = SIZE.matcher(text.strip());
            if (!size.matches()) {
                throw new IllegalArgumentException("expected a size in kB, MB, GB or TB, such as 16MB");
            }
            int power = POWERS.getOrDefault(size.group(2), 0);
            return new ByteSize(Long.parseLong(size.group(1)) << (10 * power));
        }
    }
}
