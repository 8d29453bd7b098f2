package dev.segdiff.run;

import java.util.Collection;
import java.util.Comparator;

/** How a run ended, with the exit code of the command. The order is that of urgency, the most urgent last. */
public enum Outcome {
    SUCCEEDED(0),
    /** There was nothing to do, or another worker does it. */
    SKIPPED(0),
    /**
     * The run was stopped, ran out of time, or found something busy. The next run continues by itself. The exit code is
     * EX_TEMPFAIL of sysexits.h.
     */
    INTERRUPTED(75),
    /** The run did not do its work, or not all of it, because a person is needed. */
    REFUSED(3),
    FAILED(1);

    private final int exitCode;

    Outcome(int exitCode) {
        this.exitCode = exitCode;
    }

    public int exitCode() {
        return exitCode;
    }

    /** The outcome of a command that ran several jobs: the most urgent of their outcomes. */
    public static Outcome worst(Collection<Outcome> outcomes) {
        return outcomes.stream().max(Comparator.naturalOrder()).orElse(SKIPPED);
    }
}
