package dev.segdiff.server.api;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Printable;

/**
 * Reads numbers in the path or the query of a request. JAX-RS itself would answer a text that is no number as if the
 * path did not exist.
 */
public final class Parameters {
    private static final String DIGITS = "\\d{1,18}";

    private Parameters() {}

    /** @throws InvalidInputException if the text is no such number; the message says what is expected */
    static long wholeNumber(String name, String text, long most) {
        if (!text.matches(DIGITS) || Long.parseLong(text) < 1 || Long.parseLong(text) > most) {
            throw new InvalidInputException(name + " is " + Printable.quoted(text) + ", expected a whole number from 1"
                    + (most == Long.MAX_VALUE ? " on" : " to " + most));
        }
        return Long.parseLong(text);
    }

    /** The number of a run. */
    public static long run(String text) {
        return wholeNumber("the run", text, Long.MAX_VALUE);
    }
}
