package dev.segdiff.cli;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.TableName;
import dev.segdiff.event.PartitionExemptions;
import dev.segdiff.event.PartitionExemptions.Exemption;
import jakarta.inject.Inject;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "exemptions",
        description = "Partitions that an undo has put back, and that stay although they have expired.")
final class ExemptionsCommand extends DatabaseCommand {
    @Inject
    PartitionExemptions exemptions;

    @Option(names = "--end", paramLabel = "PARTITION", description = "let this one expire again")
    @Nullable
    String end;

    @Override
    int execute() {
        if (end != null && !exemptions.end(TableName.parse(end))) {
            throw new InvalidInputException("partition " + end + " is not exempt");
        }
        List<Exemption> exempt = exemptions.list();
        if (json) {
            output.json(exempt);
        } else if (exempt.isEmpty()) {
            output.line("No partition is exempt from expiry.");
        } else {
            TextTable table = new TextTable("PARTITION", "POLICY", "SINCE", "BY");
            exempt.forEach(e -> table.row(
                    e.partition().plain(), e.policy(), RunsCommand.TIME.format(e.exemptedAt()), e.exemptedBy()));
            output.table(table);
        }
        return 0;
    }
}
