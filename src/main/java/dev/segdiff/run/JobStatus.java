package dev.segdiff.run;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The status of a job: the state of its goal, its last success, and the orders that people have given to it.
 *
 * @param maxAge how old the last success may be; if it is older, the goal counts as missed
 * @param lastRun the newest run, dry runs included; null: none yet
 */
@RegisterForReflection
public record JobStatus(
        String job,
        Goal goal,
        JobHistory.Last last,
        Duration maxAge,
        JobControls.Control control,
        @Nullable RunReport lastRun) {
    /**
     * Whether the goal is met and a recent run has succeeded. So a job that has stopped does not look well for long.
     */
    public boolean isWell() {
        return goal.met() && !isStale();
    }

    /** Whether the last success is older than {@code maxAge}, or there is none. */
    public boolean isStale() {
        Duration age = last.successAge();
        return age == null || age.compareTo(maxAge) > 0;
    }
}
