package dev.segdiff.cli;

import dev.segdiff.audit.AuditTables;
import dev.segdiff.db.TableName;
import jakarta.inject.Inject;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "enable", description = "Records every change of a table that has a primary key, from now on.")
final class AuditEnable extends DatabaseCommand {
    @Inject
    AuditTables tables;

    @Parameters(paramLabel = "TABLE", description = "such as app.shard")
    String table = "";

    @Option(names = "--best-effort", description = "keep a change, with a warning, that cannot be recorded")
    boolean bestEffort;

    @Override
    int execute() {
        TableName name = TableName.parse(table);
        tables.enable(name, bestEffort, Controls.user());
        if (json) {
            output.json(tables.list());
        } else {
            output.line(name.plain() + " is audited" + (bestEffort ? ", as best effort" : ""));
        }
        return 0;
    }
}
