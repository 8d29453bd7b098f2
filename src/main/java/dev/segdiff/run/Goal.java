package dev.segdiff.run;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Whether the goal of a job is met, as read from the database. Example of a goal: every event table is inside its
 * retention. The answer does not depend on who ran the job, or whether anybody did.
 *
 * @param met whether the goal is met now
 * @param summary one line for people
 * @param details one line for each part of the goal, if the goal has several parts, such as one for each policy
 * @param measures numbers for programs
 * @param problems what a person should look at, one line each
 */
@RegisterForReflection
public record Goal(boolean met, String summary, List<String> details, List<Measure> measures, List<String> problems) {
    private static final String UNKNOWN = "unknown: ";

    /** The state of a goal that cannot be found out now. It counts as not met. */
    public static Goal unknown(String why) {
        return new Goal(false, UNKNOWN + why, List.of(), List.of(), List.of());
    }

    /** Whether the state of the goal could not be found out. */
    public boolean unknown() {
        return !met && summary.startsWith(UNKNOWN);
    }

    /** The value of the measure with this name and without labels. */
    public OptionalDouble measure(String name) {
        return measures.stream()
                .filter(measure ->
                        measure.name().equals(name) && measure.labels().isEmpty())
                .mapToDouble(Measure::value)
                .findFirst();
    }
}
