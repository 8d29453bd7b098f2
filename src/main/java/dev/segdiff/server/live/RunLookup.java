package dev.segdiff.server.live;

import dev.segdiff.run.RunLedger;
import dev.segdiff.run.RunReport;
import jakarta.enterprise.context.ApplicationScoped;

/** A run as it is now: what the ledger tells, and of a living one of this process what it has counted since. */
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
