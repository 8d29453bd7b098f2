package dev.segdiff.run;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.util.List;
import java.util.OptionalDouble;

/**
 * The state of what a job is for, read from the database: true whoever ran it, and also when nobody did.
 *
 * @param met whether the goal is met now
 * @param summary one line for people
 * @param details a line each for the parts of the goal, where it has several
 * @param measures numbers for programs
 * @param problems what a person should look at, one line each
 */
@RegisterForReflection
public record Goal(boolean met, String summary, List<String> details, List<Measure> measures, List<String> problems) {
    private static final String UNKNOWN = "unknown: ";

    /** The state of what cannot be found out now: nobody knows that it is met, so it is not. */
    public static Goal unknown(String why) {
        return new Goal(false, UNKNOWN + why, List.of(), List.of(), List.of());
    }

    /** Whether its state could not be found out. */
    public boolean unknown() {
        return !met && summary.startsWith(UNKNOWN);
    }

    /** The measure of this name without labels. */
    public OptionalDouble measure(String name) {
        return measures.stream()
                .filter(measure ->
                        measure.name().equals(name) && measure.labels().isEmpty())
                .mapToDouble(Measure::value)
                .findFirst();
    }
}
