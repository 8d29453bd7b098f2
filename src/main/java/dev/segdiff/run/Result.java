package dev.segdiff.run;

import org.jspecify.annotations.Nullable;

/** What a job returns: how it ended and, unless it simply succeeded, the reason. */
public record Result(Outcome outcome, @Nullable String reason) {
    public static Result succeeded() {
        return new Result(Outcome.SUCCEEDED, null);
    }

    public static Result of(Outcome outcome, String reason) {
        return new Result(outcome, reason);
    }
}
