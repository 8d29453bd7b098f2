package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import dev.segdiff.db.TableName;
import dev.segdiff.pace.Steps;
import dev.segdiff.pace.Steps.Step;
import dev.segdiff.run.RunContext;
import dev.segdiff.table.Partition;
import dev.segdiff.table.PartitionDdl;
import dev.segdiff.table.Partitions;
import dev.segdiff.trash.Trash;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * Takes the expired partitions out of a table. A partition is detached and moved to the trash, from where
 * {@link DetachedPartitions} drops it later. Each partition is recorded in {@code segdiff.trash} before the first step,
 * so if the worker is killed in between, the next run continues from that row.
 */
@ApplicationScoped
class EventPartitions {
    /**
     * How long a detach waits for older transactions. Requests of the application that need the partition wait as long,
     * and 3 s is a time that users of an application put up with.
     */
    private static final Duration DETACH_TIMEOUT = Duration.ofSeconds(3);

    private final Database database;
    private final PartitionTrash queries;
    private final Trash trash;
    private final Steps steps;

    EventPartitions(Database database, PartitionTrash queries, Trash trash, Steps steps) {
        this.database = database;
        this.queries = queries;
        this.trash = trash;
        this.steps = steps;
    }

    /**
     * The partitions of a policy's table.
     *
     * @param expired the names of the partitions that have expired
     */
    record Found(Partitions partitions, Set<TableName> expired) {
        boolean hasDefault() {
            return partitions.defaultPartition().isPresent();
        }
    }

    Found find(PolicyTable target) {
        return database.transaction(session -> find(session, target));
    }

    Found find(Session session, PolicyTable target) {
        return new Found(target.partitions(session), queries.expired(session, target));
    }

    /**
     * Finishes what an earlier run could not finish: detaches that were cut off, and partitions that are detached but
     * not yet in the trash.
     *
     * @return false if a detach is still pending; no other partition of the table can be detached then, because
     *     PostgreSQL detaches one at a time
     */
    boolean recover(PolicyRun run, Partitions partitions) {
        boolean finished = true;
        for (Partition partition : partitions.all()) {
            if (partition.detachPending()) {
                run.gate().pass();
                String sql = PartitionDdl.finalizeDetach(run.table().table(), partition.table());
                finished &= Steps.attempt(run.run(), subject(partition), () -> finish(run.run(), sql));
            }
        }
        if (!run.dryRun()) {
            run.run().inTransaction(database, session -> queries.dropStalePlans(session, run.policy()));
            movePlanned(run);
        }
        return finished;
    }

    private void movePlanned(PolicyRun run) {
        steps.each(
                run.run(),
                run.gate(),
                database.transaction(session -> queries.planned(session, run.policy())),
                Step.of(
                        "partitions_detached",
                        partition -> partition.table().plain(),
                        partition -> Trash.MOVE,
                        (session, partition) -> {
                            queries.countDay(session, run.policy(), partition.table());
                            trash.move(session, partition.trashId());
                        }));
    }

    /**
     * Takes the expired partitions out of the table. If one of them has to wait, the others are left for the next run,
     * because PostgreSQL detaches one partition of a table at a time.
     */
    void expire(PolicyRun run, Found found) {
        boolean concurrently = !found.hasDefault() && database.hasOwnSession();
        for (Partition partition : found.partitions().all()) {
            if (found.expired().contains(partition.table()) && !partition.detachPending()) {
                run.gate().pass();
                if (!Steps.attempt(run.run(), subject(partition), () -> takeOut(run, partition, concurrently))) {
                    return;
                }
                movePlanned(run);
            }
        }
    }

    private static String subject(Partition partition) {
        return "partition " + partition.table().plain();
    }

    private void takeOut(PolicyRun run, Partition partition, boolean concurrently) {
        TableName table = run.table().table();
        String sql = concurrently
                ? PartitionDdl.detachConcurrently(table, partition.table())
                : PartitionDdl.detach(table, partition.table());
        if (run.dryRun()) {
            run.run().wouldRun(sql);
            run.run().wouldRun(Trash.MOVE);
            run.run().counts().add("partitions_detached", 1);
        } else if (concurrently) {
            run.run().inTransaction(database, session -> plan(session, run, partition));
            detach(run.run(), sql);
        } else {
            run.run().inTransaction(database, session -> {
                plan(session, run, partition);
                session.update(sql);
            });
        }
    }

    private void plan(Session session, PolicyRun run, Partition partition) {
        Optional<String> young = run.on(partition).target().guard().objection(session, String.valueOf(partition.to()));
        if (young.isPresent() || !queries.plan(session, run.target(), partition)) {
            throw new InvalidInputException("the partition is not older than the retention on the database's clock: "
                    + young.orElse("it ends at " + partition.to()));
        }
    }

    /**
     * Detaches a partition outside a transaction, as PostgreSQL requires it for {@code concurrently}. The statement
     * waits for transactions that began before it. Meanwhile other sessions can use the table, but a session that names
     * this partition waits, too. Therefore PostgreSQL ends the statement after 3 s, and the next run finishes the
     * detach.
     */
    private void detach(RunContext run, String sql) {
        database.outsideTransaction(patient(), run.cancellation(), sql);
    }

    /**
     * Finishes a detach that was cut off. Like the detach, this statement waits for older transactions for 3 s at most;
     * unlike the detach, it may run in a transaction.
     */
    private void finish(RunContext run, String sql) {
        if (run.request().dryRun()) {
            run.wouldRun(sql);
            return;
        }
        database.transaction(patient(), run.cancellation(), session -> session.update(sql));
    }

    private Settings patient() {
        return database.defaults().statementTimeout(DETACH_TIMEOUT).lockTimeout(Duration.ZERO);
    }
}
