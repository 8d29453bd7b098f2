package dev.segdiff.cli;

import dev.segdiff.run.Job;
import dev.segdiff.run.JobControls;
import dev.segdiff.run.Jobs;
import jakarta.inject.Inject;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "resume", description = "Lets a paused job go on.")
final class ResumeCommand extends DatabaseCommand {
    @Inject
    Jobs jobs;

    @Inject
    JobControls controls;

    @Parameters(paramLabel = "JOB", description = "such as event-expiry")
    String name;

    @Override
    int execute() {
        Job job = jobs.named(name);
        controls.resume(job);
        Controls.print(output, json, job, controls);
        return 0;
    }
}
