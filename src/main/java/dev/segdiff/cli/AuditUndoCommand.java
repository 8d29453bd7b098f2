package dev.segdiff.cli;

import dev.segdiff.audit.AuditFilter;
import dev.segdiff.audit.AuditUndo;
import dev.segdiff.db.InvalidInputException;
import jakarta.inject.Inject;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "undo",
        description = "Takes recorded changes of a table back, in reverse order and in one transaction: those of a"
                + " transaction, of a run, of a row, or all since a moment.")
final class AuditUndoCommand extends DatabaseCommand {
    @Inject
    AuditUndo undo;

    @Mixin
    AuditCommand.Filter filter;

    @Mixin
    UndoDialog dialog;

    @Override
    int execute() {
        AuditFilter changes = filter.get();
        if (!changes.isNarrow()) {
            throw new InvalidInputException("expected which changes: --tx, --run, --key or --since");
        }
        return dialog.lead(
                output,
                json,
                "Take back " + changes.words() + "?",
                (plan, watcher) -> undo.undo(dialog.request(changes, changes.words()), plan, watcher));
    }
}
