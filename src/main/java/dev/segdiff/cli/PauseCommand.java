package dev.segdiff.cli;

import dev.segdiff.run.Job;
import dev.segdiff.run.JobControls;
import dev.segdiff.run.Jobs;
import jakarta.inject.Inject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "pause",
        description = "Makes a running job wait before its next step, and skips its next runs, until it is resumed.")
final class PauseCommand extends DatabaseCommand {
    @Inject
    Jobs jobs;

    @Inject
    JobControls controls;

    @Parameters(paramLabel = "JOB", description = "such as event-expiry")
    String name;

    @Option(
            names = "--reason",
            paramLabel = "TEXT",
            description = "why the job is paused; runs that are skipped tell it, and the page does")
    @Nullable
    String reason;

    @Override
    int execute() {
        Job job = jobs.named(name);
        controls.pause(job, Controls.user(), reason);
        Controls.print(output, json, job, controls);
        return 0;
    }
}
