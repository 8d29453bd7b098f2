package dev.segdiff.trash;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Session;
import dev.segdiff.run.RunLedger;
import dev.segdiff.run.RunReport;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Undoes a run: puts back the tables that the run removed and that still wait in the trash. These are snapshots with
 * their segments, orphans, and partitions.
 */
@ApplicationScoped
public class RunUndo {
    /**
     * The time limit for putting one table back. It is long because PostgreSQL reads a partition as a whole to attach
     * it.
     */
    private static final Duration STATEMENT_TIMEOUT = Duration.ofMinutes(30);

    /**
     * The counts of what a run removed for good, so that an undo cannot put it back. Each count has its words for
     * people.
     */
    private static final Map<String, String> BEYOND_RECALL = Map.of(
            "expired", "rows deleted in batches",
            "partitions_dropped", "partitions dropped",
            "dropped", "tables dropped from the trash");

    /** A table that a run removed and that can be put back. */
    @RegisterForReflection
    public record Recallable(long trashId, String kind, String owner, String origin) {
        public String words() {
            return kind.equals("snapshot") ? "segment " + owner : kind + " " + origin;
        }
    }

    /**
     * What the undo of a run will do.
     *
     * @param beyondRecall what cannot be put back, such as "53202 rows deleted in batches"
     */
    @RegisterForReflection
    public record Plan(RunReport run, List<Recallable> recallable, List<String> beyondRecall) {}

    private final Database database;
    private final RunLedger ledger;

    public RunUndo(Database database, RunLedger ledger) {
        this.database = database;
        this.ledger = ledger;
    }

    /**
     * Finds out what can be put back.
     *
     * @throws InvalidInputException if there is no such run, if it still runs, or if it was a dry run
     */
    public Plan plan(long runId) {
        RunReport run = ledger.find(runId).orElseThrow(() -> new InvalidInputException("there is no run " + runId));
        if (run.lives()) {
            throw new InvalidInputException("run " + runId + " has not ended; stop it first: segdiff stop " + runId);
        }
        if (run.dryRun()) {
            throw new InvalidInputException("run " + runId + " was a dry run: there is nothing to undo");
        }
        List<String> beyondRecall = new ArrayList<>();
        BEYOND_RECALL.forEach((count, words) -> {
            if (run.counts().getOrDefault(count, 0L) > 0) {
                beyondRecall.add(run.counts().get(count) + " " + words);
            }
        });
        List<Recallable> recallable = database.transaction(session -> session.list(
                """
                select t.trash_id, t.kind, t.owner, t.origin from segdiff.trash t join pg_class c on c.oid = t.relation
                where t.run_id = ? and t.moved_at is not null order by t.trash_id
                """,
                row -> new Recallable(row.getLong(1), row.getString(2), row.getString(3), row.getString(4)),
                runId));
        return new Plan(run, recallable, beyondRecall.stream().sorted().toList());
    }

    /**
     * Puts one table back, in a transaction of its own.
     *
     * @throws DatabaseException if something else has taken the table's place, or another session has locked the table
     */
    public void restore(Recallable thing, String who) {
        database.transaction(
                database.defaults().statementTimeout(STATEMENT_TIMEOUT).with("segdiff.actor", who),
                session -> restore(session, thing, who));
    }

    private static int restore(Session session, Recallable thing, String who) {
        switch (thing.kind()) {
            case "snapshot" -> {
                String[] key = thing.owner().split("/");
                session.call(
                        "select segdiff.restore_segment(?, ?, ?)",
                        Long.parseLong(key[0]),
                        Long.parseLong(key[1]),
                        thing.trashId());
            }
            case "partition" -> session.call("select segdiff.restore_partition(?, ?)", thing.trashId(), who);
            default -> session.call("select segdiff.restore_orphan(?)", thing.trashId());
        }
        return 1;
    }
}
