package dev.segdiff.audit;

import com.fasterxml.jackson.annotation.JsonIgnore;
import dev.segdiff.db.Database;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Takes recorded changes of one table back, in one transaction. Each row goes from its last value straight to its
 * first. If conflicts stand in the way of some changes, then either none is taken back or, if conflicts are skipped,
 * all others.
 */
@ApplicationScoped
public class AuditUndo {
    /** The time limit of each statement of an undo. */
    private static final Duration STATEMENT_TIMEOUT = Duration.ofMinutes(10);

    /** The largest number of changes and of conflicts in a report. Further ones are only counted. */
    private static final int LISTED = 1_000;

    /**
     * A change as it is to be taken back.
     *
     * @param key the columns of the primary key, as JSON
     * @param movedKey the other key of the row, if its key was changed: such a change is recorded as a deletion and an
     *     insertion
     */
    @RegisterForReflection
    public record Change(
            long id, String operation, String key, @Nullable String movedKey) {}

    /** A change that cannot be taken back, and why. */
    @RegisterForReflection
    public record Conflict(String key, String operation, long transaction, String reason) {}

    /**
     * What an undo has done, or would do.
     *
     * @param changes the changes that are taken back, the newest first; a thousand at most
     * @param inserted how many deletions are taken back, so that rows come back
     * @param updated how many updates are taken back, so that rows get their values back
     * @param deleted how many insertions are taken back, so that rows are deleted
     * @param conflicts the changes that cannot be taken back, a thousand at most; unless they are skipped, nothing is
     *     taken back
     * @param allConflicts the number of all conflicts
     * @param lostColumns the columns that held values at that time and were dropped since
     * @param differing the number of rows that are not exactly as before, because the table's own triggers change them
     * @param ids the numbers of all changes that are taken back, as ranges
     */
    @RegisterForReflection
    public record Report(
            List<Change> changes,
            int inserted,
            int updated,
            int deleted,
            List<Conflict> conflicts,
            long allConflicts,
            List<String> lostColumns,
            long differing,
            boolean done,
            @JsonIgnore String ids) {
        /** The number of all changes that are taken back. */
        @JsonIgnore
        public long allChanges() {
            return (long) inserted + updated + deleted;
        }
    }

    /** Is told during an undo how far it has come. */
    @FunctionalInterface
    public interface Watcher {
        void at(String step, long rows, long ofRows);
    }

    /** Stands in place of a plan if there was no trial before: all changes that the filter selects are taken back. */
    public static final Report UNSEEN = new Report(List.of(), 0, 0, 0, List.of(), 0, List.of(), 0, false, "{}");

    private static final Logger LOG = Logger.getLogger(AuditUndo.class);

    private final Database database;

    public AuditUndo(Database database) {
        this.database = database;
    }

    /**
     * What is to be taken back.
     *
     * @param what the words with which the log names what was taken back
     * @param actor who takes the changes back
     * @param skipConflicts whether the other changes are taken back if some cannot be
     */
    public record Request(AuditFilter filter, String what, String actor, boolean skipConflicts) {}

    /**
     * Takes the changes back, or only tries to and reports what it would do.
     *
     * @param plan the report that was shown before, whose changes and no others are taken back; {@link #UNSEEN}: no
     *     report was shown; null: only try, and change nothing
     * @throws InvalidInputException if the filter selects no recorded change
     */
    public Report undo(Request request, @Nullable Report plan, Watcher watcher) {
        AuditFilter filter = request.filter();
        if (filter.table().schema().equals("segdiff")) {
            throw new InvalidInputException(filter.table().plain()
                    + " belongs to segdiff, whose tables depend on each other: use `segdiff segments restore`"
                    + " or `segdiff undo RUN`");
        }
        Settings settings = database.defaults()
                .statementTimeout(STATEMENT_TIMEOUT)
                .with("segdiff.actor", request.actor())
                .with("segdiff.undoes", request.what())
                // Up to a million rows are sorted and matched.
                .with("work_mem", "64MB");
        Watcher logged = (step, rows, ofRows) -> {
            LOG.debugf("undo of %s: %s, %d of %d", filter.table(), step, rows, ofRows);
            watcher.at(step, rows, ofRows);
        };
        return AuditFilter.reading(() -> database.transaction(settings, session -> {
            Report report = undo(session, request, plan, logged);
            if (!report.done()) {
                session.rollBackAtEnd();
            }
            return report;
        }));
    }

    private static Report undo(Session session, Request request, @Nullable Report plan, Watcher watcher) {
        AuditFilter filter = request.filter();
        AuditLog.checkKnown(session, filter);
        watcher.at("reading the log", 0, 0);
        UndoChanges meant = new UndoChanges(session, filter.table());
        if (plan == null || plan == UNSEEN) {
            meant.mean(filter);
        } else {
            meant.mean(plan.ids());
        }
        List<Change> changes = meant.newest(LISTED);
        if ((plan == null || plan == UNSEEN) && changes.isEmpty()) {
            throw new InvalidInputException(
                    "no recorded change of " + filter.table().plain() + " is meant by " + filter.words()
                            + "; see `segdiff audit log " + filter.table().plain() + "`");
        }
        UndoRows rows = new UndoRows(session, filter.table(), watcher);
        UndoWays ways = new UndoWays(session, filter.table(), watcher);
        List<String> lost = meant.lostColumns();
        List<Conflict> conflicts = new ArrayList<>();
        long allConflicts = 0;
        session.update("savepoint before_undo");
        long found = takeBack(rows, ways);
        while (found > 0 && request.skipConflicts() && !changes.isEmpty()) {
            allConflicts += found;
            conflicts.addAll(rows.newestConflicts(LISTED - conflicts.size()));
            String inTheWay = rows.conflictIds();
            session.update("rollback to savepoint before_undo");
            meant.leaveOut(inTheWay);
            session.update("savepoint before_undo");
            changes = meant.newest(LISTED);
            found = takeBack(rows, ways);
        }
        allConflicts += found;
        conflicts.addAll(rows.newestConflicts(LISTED - conflicts.size()));
        boolean stands = found == 0;
        Map<String, Long> operations = meant.operations();
        return new Report(
                changes,
                (int) (operations.getOrDefault("DELETE", 0L) + operations.getOrDefault("TRUNCATE", 0L)),
                operations.getOrDefault("UPDATE", 0L).intValue(),
                operations.getOrDefault("INSERT", 0L).intValue(),
                conflicts,
                allConflicts,
                lost,
                stands && !ways.isExact() ? rows.differing() : 0,
                plan != null && stands,
                meant.ids());
    }

    /**
     * Takes the rows back, and returns the number of conflicts. First the fast way is tried; if anything is in its way,
     * the slow way finds out what.
     */
    private static long takeBack(UndoRows rows, UndoWays ways) {
        rows.arrange();
        rows.checkLaterChanges();
        if (rows.conflicts() == 0 && !ways.straight()) {
            rows.checkRows();
            if (rows.conflicts() == 0) {
                ways.carefully();
            }
        }
        if (rows.conflicts() == 0) {
            rows.checkDeferred();
        }
        return rows.conflicts();
    }
}
