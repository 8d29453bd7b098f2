package dev.segdiff.cli;

import dev.segdiff.db.Printable;
import dev.segdiff.run.Goal;
import dev.segdiff.run.JobControls;
import dev.segdiff.run.JobStatus;
import dev.segdiff.run.JobStatuses;
import dev.segdiff.run.Jobs;
import dev.segdiff.run.RunReport;
import jakarta.inject.Inject;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;

@Command(name = "status", description = "The state of each job's goal, also if other processes ran the job.")
final class StatusCommand extends DatabaseCommand {
    @Inject
    Jobs jobs;

    @Inject
    JobStatuses statuses;

    @Override
    int execute() {
        List<JobStatus> all = jobs.all().stream().map(statuses::of).toList();
        if (json) {
            output.json(all);
        } else {
            all.forEach(this::print);
        }
        return 0;
    }

    private void print(JobStatus status) {
        Goal goal = status.goal();
        String mark = Ansi.AUTO.string(goal.met() ? "@|bold,green met|@" : "@|bold,yellow not met|@");
        output.styled(status.job() + "  goal " + mark + ": " + Printable.of(goal.summary()));
        goal.details().forEach(detail -> output.line("  " + detail));
        goal.problems().forEach(problem -> output.line("  " + problem));
        if (!status.control().equals(JobControls.Control.NONE)) {
            output.line("  " + Controls.describe(status.control()));
        }
        if (status.isStale() && !goal.unknown()) {
            output.line("  no run has succeeded within " + status.maxAge().toHours() + " h");
        }
        RunReport last = status.lastRun();
        if (last == null && goal.unknown()) {
            return;
        }
        output.line(
                last == null
                        ? "  never run"
                        : "  last run " + last.runId() + " " + last.state() + " for " + last.day() + ", started "
                                + RunsCommand.TIME.format(last.startedAt()));
    }
}
