package dev.segdiff.cli;

import dev.segdiff.run.Job;
import dev.segdiff.run.JobControls;

/** How the commands that control a job tell what holds now. */
final class Controls {
    private Controls() {}

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
