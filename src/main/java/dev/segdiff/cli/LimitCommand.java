package dev.segdiff.cli;

import dev.segdiff.run.Job;
import dev.segdiff.run.JobControls;
import dev.segdiff.run.Jobs;
import jakarta.inject.Inject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "limit", description = "Slows a job down, the running one too, until the limit is taken away.")
final class LimitCommand extends DatabaseCommand {
    /** The two options, of which exactly one must be given. */
    static final class Rate {
        @Option(names = "--rows-per-second", paramLabel = "N", description = "at most so many rows a second")
        @Nullable
        AtLeastOne rowsPerSecond;

        @Option(names = "--none", description = "take the limit away")
        boolean none;
    }

    @Inject
    Jobs jobs;

    @Inject
    JobControls controls;

    @Parameters(paramLabel = "JOB", description = "such as event-expiry")
    String name;

    @ArgGroup(multiplicity = "1")
    Rate rate = new Rate();

    @Override
    int execute() {
        Job job = jobs.named(name);
        controls.limit(job, rate.rowsPerSecond == null ? null : (long) rate.rowsPerSecond.value());
        Controls.print(output, json, job, controls);
        return 0;
    }
}
