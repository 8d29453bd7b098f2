package dev.segdiff.db;

import java.util.Locale;
import java.util.regex.Pattern;

/** Makes text that came from data safe to show: it cannot move the cursor or begin a new line, and can be shortened. */
public final class Printable {
    /** The largest number of characters that are shown of a wrong value. A person reads no more. */
    private static final int QUOTED = 80;

    /** Control characters, and characters that change the direction of the text after them. */
    private static final Pattern UNPRINTABLE = Pattern.compile("[\\p{Cc}\\u2028-\\u202E\\u2066-\\u2069]");

    private Printable() {}

    /** The text with its control characters written in a form such as \x1b. */
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
