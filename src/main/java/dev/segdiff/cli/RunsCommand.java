package dev.segdiff.cli;

import dev.segdiff.run.Jobs;
import dev.segdiff.run.RunLedger;
import dev.segdiff.run.RunReport;
import jakarta.inject.Inject;
import java.time.Duration;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "runs", description = "The ledger: the newest runs first.")
final class RunsCommand extends DatabaseCommand {
    static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ssX");

    @Inject
    RunLedger ledger;

    @Inject
    Jobs jobs;

    @Option(names = "--job", description = "of this job only")
    @Nullable
    String job;

    @Option(names = "--limit", defaultValue = "20", description = "at most so many; default: ${DEFAULT-VALUE}")
    AtLeastOne limit;

    @Override
    int execute() {
        List<RunReport> runs =
                ledger.latest(job == null ? null : jobs.named(job).name(), limit.value());
        if (json) {
            output.json(runs);
        } else if (runs.isEmpty()) {
            output.line("No runs yet. Start one with `segdiff run`.");
        } else {
            output.table(table(runs));
        }
        return 0;
    }

    static TextTable table(List<RunReport> runs) {
        TextTable table = new TextTable("RUN", "JOB", "DAY", "STARTED", "TOOK", "OUTCOME", "COUNTS");
        runs.forEach(run -> table.row(
                run.runId(),
                run.job(),
                run.day(),
                TIME.format(run.startedAt()),
                run.duration() == null ? null : seconds(run.duration()),
                run.state() + (run.dryRun() ? " (dry run)" : ""),
                counts(run.counts())));
        return table;
    }

    private static String seconds(Duration duration) {
        return String.format(Locale.ROOT, "%.2f s", duration.toMillis() / 1000.0);
    }

    private static String counts(Map<String, Long> counts) {
        return counts.entrySet().stream()
                .map(count -> count.getKey() + "=" + count.getValue())
                .collect(Collectors.joining(" "));
    }
}
