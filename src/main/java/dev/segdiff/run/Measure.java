package dev.segdiff.run;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.util.Map;

/**
 * A number that tells a part of a goal's state; a gauge, for a monitoring system.
 *
 * @param name in snake case, with its unit at the end as Prometheus has it
 * @param labels which of several it is about, such as {@code policy=audit}
 * @param help what it tells, for people
 */
@RegisterForReflection
public record Measure(String name, Map<String, String> labels, double value, String help) {
    public static Measure of(String name, double value, String help) {
        return new Measure(name, Map.of(), value, help);
    }
}
