package dev.segdiff.run;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.util.Map;

/**
 * A number that is a part of a goal's state. It becomes a gauge in the monitoring system.
 *
 * @param name the name in snake case, with the unit at the end as Prometheus wants it, such as "seconds_left"
 * @param labels what the number is about, if there are several, such as {@code policy=audit}
 * @param help what the number means, for people
 */
@RegisterForReflection
public record Measure(String name, Map<String, String> labels, double value, String help) {
    public static Measure of(String name, double value, String help) {
        return new Measure(name, Map.of(), value, help);
    }
}
