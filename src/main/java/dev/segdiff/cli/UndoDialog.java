package dev.segdiff.cli;

import dev.segdiff.audit.AuditFilter;
import dev.segdiff.audit.AuditUndo;
import dev.segdiff.audit.AuditUndo.Report;
import dev.segdiff.run.Outcome;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Leads a person through an undo: shows what it will do, asks for consent, and does it. */
final class UndoDialog {
    /** The largest number of lines that are shown: about one screen. Programs get all of them as JSON. */
    private static final int SHOWN = 40;

    private static final String NOTHING_CHANGED =
            "Nothing was changed: solve the conflicts, or take back the rest with --skip-conflicts.";

    @Option(names = "--dry-run", description = "show what it would do")
    boolean dryRun;

    @Option(names = "--yes", description = "do not ask")
    boolean yes;

    @Option(names = "--skip-conflicts", description = "take back the rest when something stands in the way")
    boolean skipConflicts;

    /** Takes back the changes of a plan. Without a plan it only tries, and changes nothing. */
    @FunctionalInterface
    interface Undo {
        Report run(@Nullable Report plan, AuditUndo.Watcher watcher);
    }

    /** What is to be taken back, with what the person has said about conflicts. */
    AuditUndo.Request request(AuditFilter changes, String what) {
        return new AuditUndo.Request(changes, what, Controls.user(), skipConflicts);
    }

    /** @return the exit code */
    int lead(Output output, boolean json, String question, Undo undo) {
        return yes && !dryRun ? doUnseen(output, json, undo) : askFirst(output, json, question, undo);
    }

    /** Does the undo without a trial, because with {@code --yes} nobody looks at what it would do. */
    private int doUnseen(Output output, boolean json, Undo undo) {
        Report done = watched(undo, AuditUndo.UNSEEN);
        if (json) {
            output.json(done);
        } else {
            print(output, done.done() ? "Did" : "Would", done);
            output.line(done.done() ? "Done." : NOTHING_CHANGED);
        }
        return done.done() ? Outcome.SUCCEEDED.exitCode() : Outcome.REFUSED.exitCode();
    }

    private int askFirst(Output output, boolean json, String question, Undo undo) {
        Report plan = watched(undo, null);
        boolean refused = !plan.conflicts().isEmpty() && !skipConflicts;
        if (!json) {
            print(output, "Would", plan);
        }
        if (dryRun || refused) {
            if (json) {
                output.json(plan);
            } else if (refused) {
                output.line(NOTHING_CHANGED);
            }
            return refused ? Outcome.REFUSED.exitCode() : Outcome.SUCCEEDED.exitCode();
        }
        if (!Confirmation.ask(question, yes)) {
            if (json) {
                output.json(plan);
            } else {
                output.line("Nothing was changed.");
            }
            return Outcome.SUCCEEDED.exitCode();
        }
        Report done = watched(undo, plan);
        if (json) {
            output.json(done);
        } else if (done.done()) {
            output.line("Done.");
        } else {
            print(output, "Meanwhile it would", done);
        }
        return done.done() ? Outcome.SUCCEEDED.exitCode() : Outcome.REFUSED.exitCode();
    }

    private static Report watched(Undo undo, @Nullable Report plan) {
        try (Progress progress = Progress.onTerminal()) {
            return undo.run(
                    plan,
                    (step, rows, ofRows) -> progress.show((ofRows == 0 ? "%s: %s" : "%s: %s, %,d of %,d")
                            .formatted(plan == null ? "trying" : "undo", step, rows, ofRows)));
        }
    }

    private static void print(Output output, String verb, Report report) {
        report.changes().stream()
                .limit(SHOWN)
                .forEach(change -> output.line("  %s %s"
                        .formatted(
                                switch (change.operation()) {
                                    case "INSERT" -> "delete     ";
                                    case "UPDATE" -> "change back";
                                    default -> "bring back ";
                                },
                                change.key())));
        if (report.allChanges() > SHOWN) {
            output.line("  ... and %d more".formatted(report.allChanges() - SHOWN));
        }
        output.line("%s bring back %d rows, change back %d and delete %d."
                .formatted(verb, report.inserted(), report.updated(), report.deleted()));
        report.lostColumns()
                .forEach(column -> output.line("Lost: column " + column + " is gone, and what it held with it."));
        if (report.differing() > 0) {
            output.line(
                    "Not exactly as before, as triggers of the table change them: " + report.differing() + " rows.");
        }
        report.conflicts().stream()
                .limit(SHOWN)
                .forEach(conflict -> output.line("Conflict: %s of %s in transaction %d: %s"
                        .formatted(conflict.operation(), conflict.key(), conflict.transaction(), conflict.reason())));
        if (report.allConflicts() > SHOWN) {
            output.line("  ... and %d more".formatted(report.allConflicts() - SHOWN));
        }
    }
}
