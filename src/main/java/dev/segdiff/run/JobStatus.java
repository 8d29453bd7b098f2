package dev.segdiff.run;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a job stands: its goal, when it last did what it is for, and what people told it.
 *
 * @param maxAge when the last success is older, the goal counts as missed
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
    /** Whether the goal is met, and by runs that still come: nothing that has stopped looks well for long. */
    public boolean isWell() {
        return goal.met() && !isStale();
    }

    /** Whether no run has succeeded for too long. */
    public boolean isStale() {
        Duration age = last.successAge();
        return age == null || age.compareTo(maxAge) > 0;
    }
}
