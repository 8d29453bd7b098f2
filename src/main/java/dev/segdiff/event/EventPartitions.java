package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Settings;
import dev.segdiff.db.TableName;
import dev.segdiff.db.Trash;
import dev.segdiff.event.PartitionQueries.Noted;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.Steps;
import dev.segdiff.run.Steps.Step;
import dev.segdiff.run.Throttle.Gate;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;

/**
 * The expired partitions of a table: detached, kept in the trash for a while, then dropped. Each is noted before the
 * first step, so that a worker that is killed in between leaves the next one something to go on from.
 */
@ApplicationScoped
class EventPartitions {
    private final Database database;
    private final PartitionQueries queries;
    private final Trash trash;
    private final Steps steps;

    EventPartitions(Database database, PartitionQueries queries, Trash trash, Steps steps) {
        this.database = database;
        this.queries = queries;
        this.trash = trash;
        this.steps = steps;
    }

    List<Partition> list(EventTable table, String bound) {
        Settings utc = database.defaults().with("TimeZone", "UTC");
        return database.transaction(
                utc, new dev.segdiff.db.Cancellation(), session -> queries.list(session, table, bound));
    }

    /** Finishes what an earlier run was cut off from. */
    void recover(RunContext run, Gate gate, EventPolicy policy, EventTable table, List<Partition> partitions) {
        for (Partition partition : partitions) {
            if (partition.detachPending()) {
                gate.pass();
                attempt(run, partition.table(), () -> detach(run, PartitionQueries.finalizeDetach(table, partition)));
            }
        }
        if (run.request().dryRun()) {
            return;
        }
        List<Noted> noted = database.transaction(session -> queries.noted(session, policy));
        steps.each(
                run,
                gate,
                noted.stream().filter(partition -> !partition.attached()).toList(),
                new Step<>(
                        "partitions_detached",
                        partition -> partition.table().plain(),
                        partition -> Trash.MOVE,
                        (session, partition) -> {
                            trash.move(session, partition.trashId());
                            return true;
                        }));
    }

    /** Takes the expired partitions out of the table. */
    void expire(RunContext run, Gate gate, EventPolicy policy, EventTable table, List<Partition> partitions) {
        boolean concurrently = partitions.stream().noneMatch(Partition::isDefault);
        for (Partition partition : partitions) {
            if (partition.expired() && !partition.detachPending()) {
                gate.pass();
                attempt(run, partition.table(), () -> takeOut(run, policy, table, partition, concurrently));
            }
        }
    }

    /** Drops what has waited in the trash. */
    void drop(RunContext run, Gate gate, EventPolicy policy) {
        List<Trash.Entry> due =
                database.transaction(session -> trash.due(session, Trash.Kind.PARTITION, policy.trashAfter())).stream()
                        .filter(entry -> entry.owner().equals(policy.name()))
                        .toList();
        steps.each(
                run,
                gate,
                due,
                new Step<>(
                        "partitions_dropped",
                        Trash.Entry::origin,
                        entry -> "drop table " + entry.table(),
                        (session, entry) -> {
                            trash.drop(session, entry);
                            return true;
                        }));
    }

    private void takeOut(
            RunContext run, EventPolicy policy, EventTable table, Partition partition, boolean concurrently) {
        if (run.request().dryRun()) {
            run.wouldRun(
                    concurrently
                            ? PartitionQueries.detachConcurrently(table, partition)
                            : PartitionQueries.detach(table, partition));
            run.wouldRun(Trash.MOVE);
            run.counts().add("partitions_detached", 1);
            return;
        }
        fenced(run, session -> queries.note(session, policy, table, partition));
        if (concurrently) {
            detach(run, PartitionQueries.detachConcurrently(table, partition));
        } else {
            fenced(run, session -> queries.execute(session, PartitionQueries.detach(table, partition)));
        }
        Noted noted = database.transaction(session -> queries.noted(session, policy)).stream()
                .filter(entry -> entry.table().equals(partition.table()))
                .findFirst()
                .orElseThrow();
        fenced(run, session -> trash.move(session, noted.trashId()));
        run.counts().add("partitions_detached", 1);
    }

    /**
     * Outside a transaction, as PostgreSQL wants it. It waits for transactions that began before, but with locks that are
     * in nobody's way; so it may wait as long as a statement may take. Cut off, it is finished by the next run.
     */
    private void detach(RunContext run, String sql) {
        if (run.request().dryRun()) {
            run.wouldRun(sql);
            return;
        }
        Settings patient = database.defaults().with("lock_timeout", "0");
        database.outsideTransaction(patient, run.cancellation(), sql);
    }

    private void fenced(RunContext run, java.util.function.Consumer<dev.segdiff.db.Session> work) {
        database.transaction(run.fenced(database.defaults()), run.cancellation(), session -> {
            work.accept(session);
            return 0;
        });
    }

    /** What is in use, or refused by PostgreSQL, is reported; the others go on. */
    static void attempt(RunContext run, TableName partition, Runnable work) {
        try {
            work.run();
        } catch (DatabaseException e) {
            boolean busy = e.isLockTimeout() || e.isCancelled();
            if (e.isLostConnection() || run.isFenceFailure(e)) {
                throw e;
            }
            run.counts().add(busy ? "busy" : "failed", 1);
            run.problem("partition " + partition.plain()
                    + (e.isCancelled()
                            ? " waits for transactions that began before; the next run finishes it"
                            : (busy ? " is busy: " : " failed: ") + e.getMessage()));
        } catch (InvalidInputException e) {
            run.counts().add("failed", 1);
            run.problem("partition " + partition.plain() + " failed: " + e.getMessage());
        }
    }
}
