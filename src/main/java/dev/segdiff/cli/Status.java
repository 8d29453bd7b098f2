package dev.segdiff.cli;

import dev.segdiff.run.Goal;
import dev.segdiff.run.Job;
import dev.segdiff.run.JobControls;
import dev.segdiff.run.Jobs;
import dev.segdiff.run.RunLedger;
import dev.segdiff.run.RunReport;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.inject.Inject;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;

@Command(name = "status", description = "The state of each job's goal, whoever ran it.")
final class Status extends DatabaseCommand {
    @Inject
    Jobs jobs;

    @Inject
    JobControls controls;

    @Inject
    RunLedger ledger;

    @RegisterForReflection
    record JobStatus(
            String job,
            Goal goal,
            JobControls.Control control,
            @Nullable RunReport lastRun) {}

    @Override
    int execute() {
        List<JobStatus> all = jobs.all().stream().map(this::status).toList();
        if (json) {
            output.json(all);
        } else {
            all.forEach(this::print);
        }
        return 0;
    }

    private JobStatus status(Job job) {
        return new JobStatus(
                job.name(),
                job.goal(),
                controls.of(job),
                ledger.last(job.name()).orElse(null));
    }

    private void print(JobStatus status) {
        Goal goal = status.goal();
        String mark = Ansi.AUTO.string(goal.met() ? "@|bold,green met|@" : "@|bold,yellow not met|@");
        output.line(status.job() + "  goal " + mark + ": " + goal.summary());
        goal.details().forEach(detail -> output.line("  " + detail));
        goal.problems().forEach(problem -> output.line("  " + problem));
        if (!status.control().equals(JobControls.Control.NONE)) {
            output.line("  " + Controls.describe(status.control()));
        }
        RunReport last = status.lastRun();
        output.line(
                last == null
                        ? "  never run"
                        : "  last run " + last.runId() + " " + last.state() + " for " + last.day() + ", started "
                                + Runs.TIME.format(last.startedAt()));
    }
}
