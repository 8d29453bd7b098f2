package dev.segdiff.audit;

import com.fasterxml.jackson.annotation.JsonIgnore;
import dev.segdiff.db.Cancellation;
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
 * Takes recorded changes of one table back, in one transaction: each row from its last value straight to its first; all of
 * them, or those that nothing stands in the way of, or none.
 */
@ApplicationScoped
public class AuditUndo {
    /** For one statement of the many. */
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    /** More are counted, but not listed. */
    private static final int LISTED = 1_000;

    /**
     * A change as it is to be taken back.
     *
     * @param key the columns of the primary key, as JSON
     * @param movedKey where the row went or came from, if its key was changed: that is a deletion and an insertion
     */
    @RegisterForReflection
    public record Change(
            long id, String operation, String key, @Nullable String movedKey) {}

    /** A change that cannot be taken back, and why. */
    @RegisterForReflection
    public record Conflict(String key, String operation, long transaction, String reason) {}

    /**
     * What an undo does, or would do.
     *
     * @param changes what is taken back, the newest first; a thousand of them
     * @param inserted how many rows come back
     * @param updated how many rows get their values back
     * @param deleted how many rows go that had not been there
     * @param conflicts what cannot be taken back; unless they are skipped, then nothing is; a thousand of them
     * @param allConflicts how many they are
     * @param lostColumns columns that held values then and are gone
     * @param differing rows that are not exactly as before, as the table's own triggers change them
     * @param ids all changes that are taken back, as ranges of their numbers
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
        /** How many changes are taken back. */
        @JsonIgnore
        public long allChanges() {
            return (long) inserted + updated + deleted;
        }
    }

    /** Is told how far an undo has come. */
    @FunctionalInterface
    public interface Watcher {
        void at(String step, long rows, long ofRows);
    }

    /** In place of a plan: whatever is meant is taken back, without a trial before. */
    public static final Report UNSEEN = new Report(List.of(), 0, 0, 0, List.of(), 0, List.of(), 0, false, "{}");

    private static final Logger LOG = Logger.getLogger(AuditUndo.class);

    private final Database database;

    public AuditUndo(Database database) {
        this.database = database;
    }

    /** See {@link #undo(AuditFilter, String, String, Report, boolean, Watcher)}. */
    public Report undo(AuditFilter filter, String what, String actor, @Nullable Report plan, boolean skipConflicts) {
        return undo(filter, what, actor, plan, skipConflicts, (step, rows, ofRows) -> {});
    }

    /**
     * Takes the changes back, or tries to and tells what it would do.
     *
     * @param what as the log calls what was taken back
     * @param actor who does it
     * @param plan what was shown before, and nothing else is taken back; {@link #UNSEEN}; null: try, and change nothing
     * @throws InvalidInputException if no recorded change is meant
     */
    public Report undo(
            AuditFilter filter,
            String what,
            String actor,
            @Nullable Report plan,
            boolean skipConflicts,
            Watcher watcher) {
        if (filter.table().schema().equals("segdiff")) {
            throw new InvalidInputException(
                    filter.table().plain()
                            + " belongs to segdiff, whose tables depend on each other: use `segdiff segments restore` or `segdiff undo RUN`");
        }
        Settings settings = database.defaults()
                .statementTimeout(PATIENCE)
                .with("segdiff.actor", actor)
                .with("segdiff.undoes", what)
                // A million rows are sorted and matched.
                .with("work_mem", "64MB");
        Watcher logged = (step, rows, ofRows) -> {
            LOG.debugf("undo of %s: %s, %d of %d", filter.table(), step, rows, ofRows);
            watcher.at(step, rows, ofRows);
        };
        return AuditLog.reading(() -> database.transaction(settings, new Cancellation(), session -> {
            Report report = undo(session, filter, plan, skipConflicts, logged);
            if (!report.done()) {
                session.rollBackAtEnd();
            }
            return report;
        }));
    }

    private static Report undo(
            Session session, AuditFilter filter, @Nullable Report plan, boolean skipConflicts, Watcher watcher) {
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
        while (found > 0 && skipConflicts && !changes.isEmpty()) {
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

    /** The number of conflicts. Whatever is in the way of the short way is found on the long one. */
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
