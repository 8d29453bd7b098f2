package dev.segdiff.event;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.pace.BatchConfig;
import dev.segdiff.pace.Batches;
import dev.segdiff.run.Goal;
import dev.segdiff.run.RunFixture;
import dev.segdiff.run.RunOrigin;
import dev.segdiff.run.RunReport;
import dev.segdiff.run.RunRequest;
import dev.segdiff.support.TestConfig;
import dev.segdiff.support.TestDatabase;
import dev.segdiff.table.PartitionsAhead;
import dev.segdiff.trash.Trash;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;

/** The feature, wired by hand over a test's database. */
public final class EventFixture {
    /** Never before the real day, so that the horizon is that of the database's clock. */
    static final LocalDate TODAY = LocalDate.of(2999, 1, 1);

    public final RunFixture runs;
    final EventExpiry job;

    public EventFixture(TestDatabase db, String... config) {
        runs = new RunFixture(db, config);
        Database database = runs.database;
        PartitionTrash partitionTrash = new PartitionTrash();
        EventPartitions partitions = new EventPartitions(database, partitionTrash, new Trash(), runs.steps);
        EventGoalQueries goalQueries = new EventGoalQueries();
        MassExpiry massExpiry = new MassExpiry(goalQueries, partitionTrash);
        PartitionsAhead ahead = new PartitionsAhead(database);
        PolicyCheck check = new PolicyCheck(database);
        Batches batches = new Batches(database, TestConfig.of(BatchConfig.class, config));
        PolicyExpiry expiry = new PolicyExpiry(
                database,
                new ReaderView(),
                new ExpiredRows(database, new EventQueries(), batches),
                partitions,
                ahead,
                new ExpiryPlan(database, massExpiry));
        job = new EventExpiry(
                database,
                runs.config,
                check,
                expiry,
                new DetachedPartitions(database, new Trash(), runs.steps),
                new EventGoal(database, goalQueries, partitions, check, massExpiry, ahead),
                runs.throttle,
                new EventPolicies(TestConfig.of(EventsConfig.class, config), runs.config));
    }

    /** One policy for the table event, with a retention of 90 days and no pauses. */
    public static String[] policy(String... more) {
        String[] base = {
            "segdiff.events.audit.table", "public.event",
            "segdiff.events.audit.time-column", "created_at",
            "segdiff.events.audit.retention", "90d",
            "segdiff.batch.max-pause", "0s"
        };
        String[] all = java.util.Arrays.copyOf(base, base.length + more.length);
        System.arraycopy(more, 0, all, base.length, more.length);
        return all;
    }

    public RunReport run() {
        return run(RunFixture.request(TODAY));
    }

    /** Lets through what would be held back, such as the policy of a table in which all rows have expired. */
    public RunReport runAccepting(String... names) {
        return run(new RunRequest(RunOrigin.COMMAND, TODAY, false, false, List.of(names), Duration.ofMinutes(5)));
    }

    RunReport run(RunRequest request) {
        return runs.run(job, request);
    }

    RunReport run(Cancellation cancellation) {
        return runs.runner.run(job, RunFixture.request(TODAY), cancellation, run -> {});
    }

    RunReport dryRun() {
        return run(RunFixture.dryRun(TODAY));
    }

    Goal goal() {
        return job.goal();
    }
}
