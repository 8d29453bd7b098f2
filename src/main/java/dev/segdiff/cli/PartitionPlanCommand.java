package dev.segdiff.cli;

import dev.segdiff.db.TableName;
import dev.segdiff.index.ByteSize;
import dev.segdiff.partitioning.Choices;
import dev.segdiff.partitioning.PartitioningPlan;
import dev.segdiff.partitioning.PartitioningPlan.Estimate;
import dev.segdiff.partitioning.PartitioningPlan.Verdict;
import dev.segdiff.partitioning.PartitioningPlanner;
import dev.segdiff.partitioning.Scheme;
import dev.segdiff.run.Outcome;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "plan",
        description = "Says what a move to partitions would mean: for each object that hangs on the table, for the disk"
                + " and for the time. It only reads. Exit code 3: refused, with the reasons.")
final class PartitionPlanCommand extends DatabaseCommand {
    @Inject
    PartitioningPlanner planner;

    @Parameters(paramLabel = "TABLE", description = "such as app.event or \"My App\".\"Event\"")
    String table;

    @Option(
            names = "--by",
            required = true,
            paramLabel = "SCHEME",
            description =
                    "such as 'range(created_at) month', 'range(id) 10000000', 'hash(user_id) 64' or 'list(region)'")
    String by;

    @Option(
            names = "--registry",
            paramLabel = "COLUMNS",
            description = "a unique key that lacks the partition key, such as id: a key registry is to keep it unique")
    Set<String> registries = Set.of();

    @Option(
            names = "--accept-unenforced",
            paramLabel = "COLUMNS",
            description = "a unique key that lacks the partition key, such as id: let nothing keep it unique any more")
    Set<String> unenforced = Set.of();

    @Override
    int execute() {
        PartitioningPlan plan =
                planner.plan(TableName.parse(table), Scheme.parse(by), new Choices(registries, unenforced));
        if (json) {
            output.json(plan);
        } else {
            print(plan);
        }
        return plan.refused() ? Outcome.REFUSED.exitCode() : Outcome.SUCCEEDED.exitCode();
    }

    private void print(PartitioningPlan plan) {
        output.line(plan.table() + " partitioned by " + plan.by());
        TextTable objects = new TextTable("WHAT", "NAME", "TREATMENT", "WHY");
        plan.objects().stream()
                .sorted(Comparator.comparing(Verdict::treatment).reversed())
                .forEach(object -> objects.row(object.kind(), object.name(), object.treatment(), object.why()));
        output.table(objects);
        estimate(plan.estimate()).forEach(output::line);
        plan.faults().forEach(fault -> output.line("Refused: " + fault));
        int reasons = plan.reasons().size();
        output.line(reasons == 0 ? "Nothing stands in the way." : "Refused: see above, reasons: " + reasons + ".");
    }

    private static List<String> estimate(Estimate estimate) {
        String writes = estimate.writesPerSecond() == null
                ? "unknown"
                : String.format(Locale.ROOT, "%.1f", estimate.writesPerSecond());
        return List.of(
                "Partitions: " + number(estimate.partitions()) + ". Rows: " + number(estimate.rows()) + ".",
                "Disk: " + size(estimate.diskBytes()) + " more until the original is dropped. WAL: "
                        + size(estimate.walBytes()) + " and more.",
                "Time: about " + time(estimate.fillSeconds()) + " to fill, " + time(estimate.verifySeconds())
                        + " to verify, if nothing makes it wait.",
                "Writes: " + writes + " rows a second, each made twice until the swap.");
    }

    private static String number(@Nullable Long number) {
        return number == null ? "unknown" : String.format(Locale.ROOT, "%,d", number);
    }

    private static String size(@Nullable Long bytes) {
        return bytes == null ? "unknown" : ByteSize.text(bytes);
    }

    private static String time(@Nullable Long seconds) {
        if (seconds == null) {
            return "unknown time";
        }
        Duration time = Duration.ofSeconds(Math.max(1, seconds));
        return time.toHours() > 0
                ? time.toHours() + " h " + time.toMinutesPart() + " min"
                : time.toMinutes() > 0 ? time.toMinutes() + " min" : time.toSeconds() + " s";
    }
}
