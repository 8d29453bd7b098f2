package dev.segdiff.server.live;

import dev.segdiff.run.RunLedger;
import jakarta.enterprise.context.ApplicationScoped;

/**
 * Asks a run to stop. The request goes through the ledger, which the run's worker reads. A run of this process is asked
 * at once.
 */
@ApplicationScoped
public class StopNow {
    private final RunLedger ledger;
    private final LiveRuns live;

    public StopNow(RunLedger ledger, LiveRuns live) {
        this.ledger = ledger;
        this.live = live;
    }

    /** Asks the run to stop; returns false if the run has ended. */
    public boolean stop(long runId, String actor) {
        boolean asked = ledger.requestStop(runId, actor);
        live.find(runId).ifPresent(run -> run.endForGood("stopped by " + actor));
        return asked;
    }
}
