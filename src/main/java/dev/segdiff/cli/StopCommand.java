package dev.segdiff.cli;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.run.RunLedger;
import dev.segdiff.run.RunReport;
import jakarta.inject.Inject;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "stop",
        description =
                "Asks a run to stop, wherever it runs; its worker hears it within seconds. The next run continues.")
final class StopCommand extends DatabaseCommand {
    @Inject
    RunLedger ledger;

    @Parameters(paramLabel = "RUN", description = "the number of the run, see `segdiff runs`")
    long runId;

    @Override
    int execute() {
        RunReport run = ledger.find(runId).orElseThrow(() -> new InvalidInputException("there is no run " + runId));
        if (!ledger.requestStop(runId, Controls.user())) {
            throw new InvalidInputException("run " + runId + " has ended: " + run.state());
        }
        if (json) {
            output.json(run);
        } else {
            output.line("asked run " + runId + " of " + run.job() + " to stop");
        }
        return 0;
    }
}
