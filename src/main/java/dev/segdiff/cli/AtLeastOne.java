package dev.segdiff.cli;

import dev.segdiff.db.ConfigConverters;

/** A number of things on the command line, of which none is no number. */
record AtLeastOne(int value) {
    /** @throws IllegalArgumentException that tells what is expected */
    static AtLeastOne parse(String text) {
        return new AtLeastOne(new ConfigConverters.Positive().convert(text));
    }
}
