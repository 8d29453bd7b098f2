package dev.segdiff.run;

import java.util.Collection;
import java.util.Comparator;

/** How a run ended. The order is that of urgency. */
public enum Outcome {
    SUCCEEDED(0),
    /** There was nothing to do, or somebody else does it. */
    SKIPPED(0),
    /** Resumes by itself with the next run: stopped, out of time, or something was busy. EX_TEMPFAIL of sysexits.h. */
    INTERRUPTED(75),
    /** A person is needed. */
    REFUSED(3),
    FAILED(1);

    private final int exitCode;

    Outcome(int exitCode) {
        this.exitCode = exitCode;
    }

    public int exitCode() {
        return exitCode;
    }

    /** What a command that ran several jobs reports. */
    public static Outcome worst(Collection<Outcome> outcomes) {
        return outcomes.stream().max(Comparator.naturalOrder()).orElse(SKIPPED);
    }
}
