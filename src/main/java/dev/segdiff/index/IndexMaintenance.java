package dev.segdiff.index;

import dev.segdiff.db.CancelledException;
import dev.segdiff.db.Database;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.pace.Gate;
import dev.segdiff.pace.Throttle;
import dev.segdiff.run.Counts;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Job;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.Result;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.RunRequest;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Optional;

/**
 * The job {@code index-maintenance}, which keeps indexes and tables small. It drops what its own cut-off rebuilds have
 * left, vacuums tables for which autovacuum would come late, and rebuilds bloated indexes while they are in use.
 */
@ApplicationScoped
public class IndexMaintenance implements Job {
    public static final String NAME = "index-maintenance";

    private final Database database;
    private final Obstacles conditions;
    private final UnfinishedBuilds unfinishedBuilds;
    private final Vacuums vacuums;
    private final Rebuilds rebuilds;
    private final IndexGoal goal;
    private final Throttle throttle;

    IndexMaintenance(
            Database database,
            Obstacles conditions,
            UnfinishedBuilds unfinishedBuilds,
            Vacuums vacuums,
            Rebuilds rebuilds,
            IndexGoal goal,
            Throttle throttle) {
        this.database = database;
        this.conditions = conditions;
        this.unfinishedBuilds = unfinishedBuilds;
        this.vacuums = vacuums;
        this.rebuilds = rebuilds;
        this.goal = goal;
        this.throttle = throttle;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int order() {
        return 40;
    }

    @Override
    public String cron() {
        return "30 3 * * *";
    }

    @Override
    public void check(RunRequest request) {
        // The configuration was checked when it was read.
    }

    @Override
    public Result run(RunContext run) {
        Optional<String> refusal = refusal();
        if (refusal.isPresent()) {
            return Result.of(Outcome.REFUSED, refusal.get());
        }
        Gate gate = throttle.gate(this, run);
        unfinishedBuilds.drop(run);
        Optional<String> closed = database.transaction(conditions::window);
        if (closed.isPresent()) {
            return Result.of(Outcome.SKIPPED, closed.get());
        }
        // First vacuum: only a vacuumed index shows how full it is, and only fresh statistics show how large it should
        // be.
        vacuums.vacuum(run, gate);
        try {
            rebuilds.run(run, gate);
        } catch (CancelledException e) {
            unfinishedBuilds.dropAtLast(run);
            throw e;
        }
        vacuums.freeze(run, gate);
        return result(run.counts());
    }

    @Override
    public Goal goal() {
        return goal.read();
    }

    private Optional<String> refusal() {
        try {
            database.checkOutsideTransaction();
        } catch (InvalidInputException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
        return database.transaction(conditions::version);
    }

    private static Result result(Counts counts) {
        long done = counts.get("rebuilt")
                + counts.get("leftovers_dropped")
                + counts.get("vacuumed")
                + counts.get("analyzed")
                + counts.get("frozen");
        long left = counts.get("busy") + counts.get("skipped");
        if (counts.get("failed") > 0) {
            return Result.of(Outcome.FAILED, "failed: " + counts.get("failed"));
        } else if (left > 0) {
            return Result.of(done > 0 ? Outcome.SUCCEEDED : Outcome.SKIPPED, "left alone, see the problems: " + left);
        }
        return done > 0 ? Result.succeeded() : Result.of(Outcome.SKIPPED, "no index is bloated, no vacuum is due");
    }
}
