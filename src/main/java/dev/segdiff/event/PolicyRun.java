package dev.segdiff.event;

import dev.segdiff.pace.Gate;
import dev.segdiff.run.RunContext;
import dev.segdiff.table.Partition;
import dev.segdiff.table.TimedTable;

/**
 * One policy while a run applies it. It holds everything that each step needs, so that steps have one parameter in
 * place of many.
 */
record PolicyRun(RunContext run, Gate gate, PolicyTable target) {
    EventPolicy policy() {
        return target.policy();
    }

    TimedTable table() {
        return target.table();
    }

    boolean dryRun() {
        return run.request().dryRun();
    }

    void problem(String text) {
        run.problem(policy().subject() + text);
    }

    /** The same run and policy for one partition of the table. */
    PolicyRun on(Partition partition) {
        return new PolicyRun(run, gate, target.with(table().partition(partition)));
    }
}
