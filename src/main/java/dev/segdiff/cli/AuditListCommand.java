package dev.segdiff.cli;

import dev.segdiff.audit.AuditTables;
import dev.segdiff.audit.AuditTables.Audited;
import jakarta.inject.Inject;
import java.util.List;
import picocli.CommandLine.Command;

@Command(name = "list", description = "The audited tables.")
final class AuditListCommand extends DatabaseCommand {
    @Inject
    AuditTables tables;

    @Override
    int execute() {
        List<Audited> audited = tables.list();
        if (json) {
            output.json(audited);
        } else if (audited.isEmpty()) {
            output.line("No table is audited. Begin with `segdiff audit enable TABLE`.");
        } else {
            TextTable table = new TextTable("TABLE", "CHANGES", "LAST CHANGE", "SINCE", "BY", "BEST EFFORT");
            audited.forEach(a -> table.row(
                    a.table() == null ? "(dropped)" : a.table().plain(),
                    a.changes(),
                    a.lastChange() == null ? null : RunsCommand.TIME.format(a.lastChange()),
                    RunsCommand.TIME.format(a.enabledAt()),
                    a.enabledBy(),
                    a.bestEffort() ? "yes" : "no"));
            output.table(table);
        }
        return 0;
    }
}
