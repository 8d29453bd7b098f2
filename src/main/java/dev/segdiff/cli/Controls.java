package dev.segdiff.cli;

import dev.segdiff.run.Job;
import dev.segdiff.run.JobControls;
import java.util.Objects;

/** Prints the present orders of a job, for the commands that control jobs. */
final class Controls {
    private Controls() {}

    /** The name of the person who gives an order to a job, so that others can see it later. */
    static String user() {
        return Objects.requireNonNullElse(System.getProperty("user.name"), "somebody");
    }

    static void print(Output output, boolean json, Job job, JobControls controls) {
        JobControls.Control control = controls.of(job);
        if (json) {
            output.json(control);
        } else {
            output.line(job.name() + ": " + describe(control));
        }
    }

    static String describe(JobControls.Control control) {
        String limit = control.rowsPerSecond() == null ? "" : ", at most " + control.rowsPerSecond() + " rows a second";
        return (control.paused() == null ? "not paused" : control.paused()) + limit;
    }
}
