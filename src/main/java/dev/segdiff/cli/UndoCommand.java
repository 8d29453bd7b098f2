package dev.segdiff.cli;

import dev.segdiff.db.DatabaseException;
import dev.segdiff.run.Outcome;
import dev.segdiff.trash.RunUndo;
import dev.segdiff.trash.RunUndo.Plan;
import dev.segdiff.trash.RunUndo.Recallable;
import jakarta.inject.Inject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "undo",
        description = "Puts back what a run removed and what still waits in the trash: segments with their snapshots,"
                + " partitions. Says first what cannot be put back.")
final class UndoCommand extends DatabaseCommand {
    @Inject
    RunUndo undo;

    @Parameters(paramLabel = "RUN", description = "the number of the run, see `segdiff runs`")
    long runId;

    @Option(names = "--dry-run", description = "show what it would do")
    boolean dryRun;

    @Option(names = "--yes", description = "do not ask")
    boolean yes;

    @Override
    int execute() {
        Plan plan = undo.plan(runId);
        if (!json) {
            show(plan);
        }
        List<String> failed = new ArrayList<>();
        boolean goOn = !dryRun
                && !plan.recallable().isEmpty()
                && Confirmation.ask("Put back " + plan.recallable().size() + "?", yes);
        if (goOn) {
            plan.recallable().forEach(thing -> attempt(thing, failed));
        }
        if (json) {
            output.json(Map.of("plan", plan, "restored", goOn ? restored(plan, failed) : 0, "failed", failed));
        } else if (goOn) {
            output.line("Put back: " + restored(plan, failed) + ".");
            failed.forEach(output::line);
        }
        return failed.isEmpty() ? Outcome.SUCCEEDED.exitCode() : Outcome.REFUSED.exitCode();
    }

    private static int restored(Plan plan, List<String> failed) {
        return plan.recallable().size() - failed.size();
    }

    private void show(Plan plan) {
        output.line("Run %d of %s, %s"
                .formatted(
                        plan.run().runId(),
                        plan.run().job(),
                        RunsCommand.TIME.format(plan.run().startedAt())));
        plan.recallable().forEach(thing -> output.line("  can be put back: " + thing.words()));
        plan.beyondRecall().forEach(words -> output.line("  cannot be put back: " + words));
        if (plan.recallable().isEmpty()) {
            output.line("Nothing of it waits in the trash.");
        }
    }

    /** Tries to put one table back. If that fails, the others are tried nevertheless. */
    private void attempt(Recallable thing, List<String> failed) {
        try {
            undo.restore(thing, Controls.user());
        } catch (DatabaseException e) {
            if (e.isLostConnection()) {
                throw e;
            }
            failed.add("Not put back: " + thing.words() + ": " + e.getMessage());
        }
    }
}
