package dev.segdiff.db;

import java.util.Locale;
import java.util.regex.Pattern;

/** Text that came from data, as it may be shown: it moves no cursor, begins no line, and is not endless. */
public final class Printable {
    /** As much as a person reads of a value that is wrong. */
    private static final int QUOTED = 80;

    /** Control characters, and those that change the direction of what follows. */
    private static final Pattern UNPRINTABLE = Pattern.compile("[\\p{Cc}\\u2028-\\u202E\\u2066-\\u2069]");

    private Printable() {}

    /** Control characters are shown as \x1b. */
    public static String of(String text) {
        return UNPRINTABLE
                .matcher(text)
                .replaceAll(found -> String.format(
                        Locale.ROOT, "\\\\x%02x", (int) found.group().charAt(0)));
    }

    /** The text, or its beginning, in quotation marks. */
    public static String quoted(String text) {
        return "'" + of(text.length() <= QUOTED ? text : text.substring(0, QUOTED) + "...") + "'";
    }
}
