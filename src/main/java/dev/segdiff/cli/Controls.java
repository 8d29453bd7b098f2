package dev.segdiff.cli;

import dev.segdiff.run.Job;
import dev.segdiff.run.JobControls;
import java.util.Objects;

/** How the commands that control a job tell what holds now. */
final class Controls {
    private Controls() {}

    /** Who tells a job something, for whoever wonders later. */
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
