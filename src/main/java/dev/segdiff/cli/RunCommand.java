package dev.segdiff.cli;

import dev.segdiff.db.Cancellation;
import dev.segdiff.run.Job;
import dev.segdiff.run.JobRunner;
import dev.segdiff.run.Jobs;
import dev.segdiff.run.LogicalDay;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunConfig;
import dev.segdiff.run.RunOrigin;
import dev.segdiff.run.RunReport;
import dev.segdiff.run.RunRequest;
import jakarta.inject.Inject;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "run", description = "Runs the jobs named, or all daily jobs in their order.")
final class RunCommand extends DatabaseCommand implements Interruptible {
    @Inject
    Jobs jobs;

    @Inject
    JobRunner runner;

    @Inject
    LogicalDay days;

    @Inject
    RunConfig config;

    @Parameters(paramLabel = "JOB", description = "such as segment-diff")
    List<String> names = new ArrayList<>();

    @Option(names = "--day", paramLabel = "YYYY-MM-DD", description = "the logical day; default: today")
    @Nullable
    LocalDate day;

    @Option(names = "--force", description = "run again, although the job is done for this day")
    boolean force;

    @Option(names = "--dry-run", description = "show what a run would do, and change nothing")
    boolean dryRun;

    @Option(
            names = "--accept",
            paramLabel = "NAME",
            description =
                    "let through once what would be held back: the version of segment C/S, or the policy of this name")
    List<String> accept = new ArrayList<>();

    @Option(names = "--time-budget", paramLabel = "30m", description = "stop after this long; the next run continues")
    @Nullable
    Duration timeBudget;

    @Override
    int execute() {
        RunRequest request = new RunRequest(
                RunOrigin.COMMAND,
                days.orToday(day),
                force,
                dryRun,
                List.copyOf(accept),
                timeBudget == null ? config.timeBudget() : timeBudget);
        List<Job> chosen =
                names.isEmpty() ? jobs.all() : names.stream().map(jobs::named).toList();
        Jobs.check(chosen, request);

        Cancellation cancellation = new Cancellation();
        Signals.cancelOnTermination(cancellation);
        List<RunReport> reports = new ArrayList<>();
        try (Progress progress = Progress.onTerminal()) {
            for (Job job : chosen) {
                if (!cancellation.isRequested()) {
                    reports.add(runner.run(job, request, cancellation, progress));
                }
            }
        }
        print(reports);
        List<Outcome> outcomes =
                new ArrayList<>(reports.stream().map(RunReport::outcomeOrFailed).toList());
        if (reports.size() < chosen.size()) {
            outcomes.add(Outcome.INTERRUPTED);
        }
        return Outcome.worst(outcomes).exitCode();
    }

    private void print(List<RunReport> reports) {
        if (json) {
            output.json(reports);
            return;
        }
        output.table(RunsCommand.table(reports));
        reports.forEach(report -> {
            if (report.reason() != null) {
                output.line(report.job() + ": " + report.reason());
            }
            report.problems().forEach(problem -> output.line("  " + problem));
            report.statements().forEach(statement -> {
                output.line("");
                (statement + ";").lines().forEach(output::line);
            });
        });
    }
}
