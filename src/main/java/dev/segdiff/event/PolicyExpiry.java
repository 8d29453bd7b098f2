package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.run.RunContext;
import dev.segdiff.table.Partition;
import dev.segdiff.table.PartitionsAhead;
import dev.segdiff.table.TimeQueries;
import jakarta.enterprise.context.ApplicationScoped;

/** Applies one policy: makes its view for readers, then removes its expired partitions or rows. */
@ApplicationScoped
class PolicyExpiry {
    private final Database database;
    private final ReaderView view;
    private final ExpiredRows rows;
    private final EventPartitions partitions;
    private final PartitionsAhead ahead;
    private final ExpiryPlan plan;

    PolicyExpiry(
            Database database,
            ReaderView view,
            ExpiredRows rows,
            EventPartitions partitions,
            PartitionsAhead ahead,
            ExpiryPlan plan) {
        this.database = database;
        this.view = view;
        this.rows = rows;
        this.partitions = partitions;
        this.ahead = ahead;
        this.plan = plan;
    }

    void expire(PolicyRun run) {
        if (!plan.isSafe(run)) {
            return;
        }
        register(run);
        long maxRows = run.policy().maxRows().orElse(Long.MAX_VALUE);
        long left = run.table().partitioned()
                ? expirePartitions(run, maxRows)
                : rows.delete(run, rows.cursor(run.policy()), maxRows);
        run.run().counts().add("capped", left == 0 ? 1 : 0);
    }

    private void register(PolicyRun run) {
        boolean viewDue = database.transaction(session -> view.isDue(session, run.target()));
        if (run.dryRun()) {
            if (viewDue && run.policy().view()) {
                run.run().wouldRun(ReaderView.sql(run.target()));
            }
            return;
        }
        run.run().inTransaction(database, session -> view.register(session, run.target()));
        if (viewDue) {
            makeView(run);
        }
    }

    /** Makes the view for readers. If that fails, the run reports it, and the policy still deletes. */
    private void makeView(PolicyRun run) {
        try {
            run.run().inTransaction(database, session -> view.make(session, run.target()));
        } catch (DatabaseException e) {
            if (RunContext.isEndedBy(e)) {
                throw e;
            }
            run.problem(": view " + ReaderView.name(run.policy()).plain() + " cannot be made: " + e.getMessage());
        }
    }

    private long expirePartitions(PolicyRun run, long maxRows) {
        EventPartitions.Found found = partitions.find(run.target());
        boolean finished = partitions.recover(run, found.partitions());
        Horizon horizon = run.target().horizon();
        ahead.make(run.run(), found.partitions(), horizon.now(), horizon.at());
        if (finished) {
            partitions.expire(run, found);
        }
        return found.partitions()
                .defaultPartition()
                .map(strays -> expireStrays(run, strays, maxRows))
                .orElse(maxRows);
    }

    /** Deletes the expired rows of the default partition, which holds the rows that fit no other partition. */
    private long expireStrays(PolicyRun run, Partition strays, long maxRows) {
        if (strays.partitioned()) {
            run.problem(": the default partition %s is partitioned itself, its rows are not expired"
                    .formatted(strays.table().plain()));
            return maxRows;
        }
        PolicyRun target = run.on(strays);
        if (database.transaction(session -> TimeQueries.isEmpty(session, target.table()))) {
            return maxRows;
        }
        run.problem(": rows have strayed into the default partition %s"
                .formatted(strays.table().plain()));
        return rows.delete(target, null, maxRows);
    }
}
