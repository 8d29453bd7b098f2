package dev.segdiff.cli;

import dev.segdiff.db.ConfigConverters;

/** A number on the command line that must be 1 or more. */
record AtLeastOne(int value) {
    /** @throws IllegalArgumentException if the text is no such number; the message says what is expected */
    static AtLeastOne parse(String text) {
        return new AtLeastOne(new ConfigConverters.Positive().convert(text));
    }
}
