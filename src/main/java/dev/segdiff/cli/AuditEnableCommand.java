package dev.segdiff.cli;

import dev.segdiff.audit.AuditTables;
import dev.segdiff.db.TableName;
import jakarta.inject.Inject;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "enable", description = "Records every change of a table that has a primary key, from now on.")
final class AuditEnableCommand extends DatabaseCommand {
    @Inject
    AuditTables tables;

    @Mixin
    AuditCommand.Target target;

    @Option(
            names = "--best-effort",
            description = "if a change cannot be recorded, let the change through with a warning")
    boolean bestEffort;

    @Override
    int execute() {
        TableName name = target.get();
        tables.enable(name, bestEffort, Controls.user());
        if (json) {
            output.json(tables.list());
        } else {
            output.line(name.plain() + " is audited" + (bestEffort ? ", as best effort" : ""));
        }
        return 0;
    }
}
