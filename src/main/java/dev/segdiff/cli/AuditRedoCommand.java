package dev.segdiff.cli;

import dev.segdiff.audit.AuditFilter;
import dev.segdiff.audit.AuditLog;
import dev.segdiff.audit.AuditUndo;
import jakarta.inject.Inject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "redo", description = "Takes an undo back: by default the last one that has not been redone.")
final class AuditRedoCommand extends DatabaseCommand {
    @Inject
    AuditLog log;

    @Inject
    AuditUndo undo;

    @Mixin
    AuditCommand.Target target;

    @Option(names = "--tx", paramLabel = "N", description = "the transaction of the undo")
    @Nullable
    Long transaction;

    @Mixin
    UndoDialog dialog;

    @Override
    int execute() {
        long undone = log.lastUndo(of(transaction));
        AuditFilter changes = of(undone);
        return dialog.lead(
                output,
                json,
                "Take back the undo in transaction " + undone + "?",
                (plan, watcher) ->
                        undo.undo(dialog.request(changes, AuditLog.UNDO_IN_TRANSACTION + undone), plan, watcher));
    }

    private AuditFilter of(@Nullable Long number) {
        return new AuditFilter(target.get(), number, null, null, null, null);
    }
}
