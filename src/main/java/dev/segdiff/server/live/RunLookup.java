package dev.segdiff.server.live;

import dev.segdiff.run.RunLedger;
import dev.segdiff.run.RunReport;
import jakarta.enterprise.context.ApplicationScoped;

/**
 * Finds a run as it is now: the report of the ledger and, if the run is in progress in this process, its newest counts.
 */
@ApplicationScoped
public class RunLookup {
    private final RunLedger ledger;
    private final LiveRuns live;

    public RunLookup(RunLedger ledger, LiveRuns live) {
        this.ledger = ledger;
        this.live = live;
    }

    /** @throws NotThereException if there is no such run */
    public RunReport find(long runId) {
        return ledger.find(runId).map(this::now).orElseThrow(() -> new NotThereException("there is no run " + runId));
    }

    public RunReport now(RunReport run) {
        return live.find(run.runId())
                .filter(living -> run.outcome() == null)
                .map(living -> run.withCounts(living.counts().snapshot()))
                .orElse(run);
    }
}
