package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import dev.segdiff.db.TableName;
import dev.segdiff.pace.Gate;
import dev.segdiff.pace.Steps;
import dev.segdiff.pace.Steps.Step;
import dev.segdiff.run.RunContext;
import dev.segdiff.table.Partition;
import dev.segdiff.table.TimedTable;
import dev.segdiff.trash.Trash;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The expired partitions of a table: detached, kept in the trash for a while, then dropped. Each is noted before the
 * first step, so that a worker that is killed in between leaves the next one something to go on from.
 */
@ApplicationScoped
class EventPartitions {
    /** As long as an application's request may hang without anybody calling. */
    private static final Duration DETACH_TIMEOUT = Duration.ofSeconds(3);

    private static final Duration UNKNOWN_WAITS = Duration.ofDays(7);

    private final Database database;
    private final PartitionQueries queries;
    private final RetentionGuard guard;
    private final Trash trash;
    private final Steps steps;

    EventPartitions(Database database, PartitionQueries queries, RetentionGuard guard, Trash trash, Steps steps) {
        this.database = database;
        this.queries = queries;
        this.guard = guard;
        this.trash = trash;
        this.steps = steps;
    }

    List<Partition> list(TimedTable table, String bound) {
        return database.transaction(session -> queries.list(session, table, bound));
    }

    /**
     * Finishes what an earlier run was cut off from.
     *
     * @return false if a detach is pending still: PostgreSQL detaches one partition of a table at a time
     */
    boolean recover(RunContext run, Gate gate, EventPolicy policy, TimedTable table, List<Partition> partitions) {
        boolean finished = true;
        for (Partition partition : partitions) {
            if (partition.detachPending()) {
                gate.pass();
                finished &= attempt(
                        run, partition.table(), () -> finish(run, PartitionQueries.finalizeDetach(table, partition)));
            }
        }
        if (!run.request().dryRun()) {
            run.inTransaction(database, session -> queries.forgetStale(session, policy));
            moveNoted(run, gate, policy);
        }
        return finished;
    }

    private void moveNoted(RunContext run, Gate gate, EventPolicy policy) {
        steps.each(
                run,
                gate,
                database.transaction(session -> queries.noted(session, policy)),
                Step.of(
                        "partitions_detached",
                        partition -> partition.table().plain(),
                        partition -> Trash.MOVE,
                        (session, partition) -> {
                            queries.countDay(session, policy, partition.table());
                            trash.move(session, partition.trashId());
                        }));
    }

    /** Takes the expired partitions out of the table, until one has to wait: PostgreSQL detaches one at a time. */
    void expire(RunContext run, Gate gate, EventPolicy policy, TimedTable table, List<Partition> partitions) {
        boolean concurrently = partitions.stream().noneMatch(Partition::isDefault) && database.hasOwnSession();
        for (Partition partition : partitions) {
            if (partition.expired() && !partition.detachPending()) {
                gate.pass();
                if (!attempt(run, partition.table(), () -> takeOut(run, policy, table, partition, concurrently))) {
                    return;
                }
                moveNoted(run, gate, policy);
            }
        }
    }

    /** Drops what has waited in the trash; of a policy that is no longer configured, after a week. */
    void drop(RunContext run, Gate gate, Map<String, Duration> waits) {
        waits.forEach((owner, wait) -> drop(run, gate, wait, owner::equals));
        drop(run, gate, UNKNOWN_WAITS, owner -> !waits.containsKey(owner));
    }

    private void drop(RunContext run, Gate gate, Duration wait, Predicate<String> owner) {
        steps.each(run, gate, due(wait, owner), trash.dropStep("partitions_dropped", wait));
    }

    private List<Trash.Entry> due(Duration wait, Predicate<String> owner) {
        return database.transaction(session -> trash.due(session, Trash.Kind.PARTITION, wait)).stream()
                .filter(entry -> owner.test(entry.owner()))
                .toList();
    }

    private void takeOut(
            RunContext run, EventPolicy policy, TimedTable table, Partition partition, boolean concurrently) {
        if (run.request().dryRun()) {
            run.wouldRun(
                    concurrently
                            ? PartitionQueries.detachConcurrently(table, partition)
                            : PartitionQueries.detach(table, partition));
            run.wouldRun(Trash.MOVE);
            run.counts().add("partitions_detached", 1);
            return;
        }
        if (concurrently) {
            run.inTransaction(database, session -> note(session, policy, table, partition));
            detach(run, PartitionQueries.detachConcurrently(table, partition));
        } else {
            run.inTransaction(database, session -> {
                note(session, policy, table, partition);
                queries.execute(session, PartitionQueries.detach(table, partition));
            });
        }
    }

    private void note(Session session, EventPolicy policy, TimedTable table, Partition partition) {
        TimedTable rows = table.partition(partition.table(), partition.indexed(), partition.pages());
        Optional<String> young = guard.objection(session, rows, String.valueOf(partition.to()));
        if (young.isPresent() || !queries.note(session, policy, table, partition)) {
            throw new InvalidInputException("it is not older than the retention on the database's clock: "
                    + young.orElse("it ends at " + partition.to()));
        }
    }

    /**
     * Outside a transaction, as PostgreSQL wants it. It waits for transactions that began before; meanwhile others use
     * the table, but whoever asks for this partition by name waits too, so it does not wait for long. Cut off, it is
     * finished by the next run.
     */
    private void detach(RunContext run, String sql) {
        database.outsideTransaction(patient(), run.cancellation(), sql);
    }

    /** Waits like the detach that was cut off, but may be in a transaction. */
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

    /** What is in use, or refused by PostgreSQL, is reported; true if all went well. */
    static boolean attempt(RunContext run, TableName partition, Runnable work) {
        try {
            work.run();
            return true;
        } catch (DatabaseException e) {
            if (e.isCancelled()) {
                run.counts().add("busy", 1);
                run.problem("partition " + partition.plain()
                        + " waits for transactions that began before; the next run finishes it");
            } else if (e.isNotReady()) {
                run.stepFailed("partition " + partition.plain(), e, true);
            } else {
                run.stepFailed("partition " + partition.plain(), e, e.isLockTimeout());
            }
        } catch (InvalidInputException e) {
            run.counts().add("refused", 1);
            run.problem("partition " + partition.plain() + " refused: " + e.getMessage());
        }
        return false;
    }
}
