package dev.segdiff.cli;

import dev.segdiff.audit.AuditTables;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.TableName;
import jakarta.inject.Inject;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "disable", description = "Records no more changes of a table; what was recorded stays.")
final class AuditDisableCommand extends DatabaseCommand {
    @Inject
    AuditTables tables;

    @Mixin
    AuditCommand.Target target;

    @Override
    int execute() {
        TableName name = target.get();
        if (!tables.disable(name)) {
            throw new InvalidInputException("table " + name.plain() + " is not audited");
        }
        if (json) {
            output.json(tables.list());
        } else {
            output.line(name.plain() + " is no longer audited");
        }
        return 0;
    }
}
