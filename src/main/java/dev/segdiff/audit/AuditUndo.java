package dev.segdiff.audit;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import dev.segdiff.db.TableName;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Takes recorded changes of one table back, in reverse order and in one transaction; all of them, or those that nothing
 * stands in the way of, or none.
 */
@ApplicationScoped
public class AuditUndo {
    /** An undo of many rows is one transaction of many statements. */
    private static final Duration PATIENCE = Duration.ofMinutes(10);

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
     * @param changes what is taken back, in this order
     * @param inserted how many rows come back
     * @param updated how many rows get their values back
     * @param deleted how many rows go that had not been there
     * @param conflicts what cannot be taken back; unless they are skipped, then nothing is
     * @param lostColumns columns that held values then and are gone
     * @param differing rows that are not exactly as before, as the table's own triggers change them
     */
    @RegisterForReflection
    public record Report(
            List<Change> changes,
            int inserted,
            int updated,
            int deleted,
            List<Conflict> conflicts,
            List<String> lostColumns,
            long differing,
            boolean done) {}

    private final Database database;

    public AuditUndo(Database database) {
        this.database = database;
    }

    /**
     * Takes the changes back, or tries to and tells what it would do.
     *
     * @param what as the log calls what was taken back
     * @param actor who does it
     * @param plan what was shown before, and nothing else is taken back; null: try, and change nothing
     * @throws InvalidInputException if no recorded change is meant
     */
    public Report undo(AuditFilter filter, String what, String actor, @Nullable Report plan, boolean skipConflicts) {
        if (filter.table().schema().equals("segdiff")) {
            throw new InvalidInputException(
                    filter.table().plain()
                            + " belongs to segdiff, whose tables depend on each other: use `segdiff segments restore` or `segdiff undo RUN`");
        }
        Settings settings = database.defaults()
                .statementTimeout(PATIENCE)
                .with("segdiff.actor", actor)
                .with("segdiff.undoes", what);
        return AuditLog.reading(() -> database.transaction(settings, new Cancellation(), session -> {
            Report report = undo(session, filter, plan, skipConflicts);
            if (!report.done()) {
                session.rollBackAtEnd();
            }
            return report;
        }));
    }

    private static Report undo(Session session, AuditFilter filter, @Nullable Report plan, boolean skipConflicts) {
        AuditLog.checkKnown(session, filter);
        List<Change> changes = plan == null ? changes(session, filter) : plan.changes();
        if (plan == null && changes.isEmpty()) {
            throw new InvalidInputException(
                    "no recorded change of " + filter.table().plain() + " is meant by " + filter.words()
                            + "; see `segdiff audit log " + filter.table().plain() + "`");
        }
        List<String> lost = lostColumns(session, filter.table(), ids(changes));
        List<Conflict> conflicts = new ArrayList<>();
        session.update("savepoint before_undo");
        List<Conflict> found = revert(session, filter.table(), changes);
        while (!found.isEmpty() && skipConflicts && !changes.isEmpty()) {
            conflicts.addAll(found);
            changes = without(changes, found);
            session.update("rollback to savepoint before_undo");
            found = revert(session, filter.table(), changes);
        }
        conflicts.addAll(found);
        boolean stands = found.isEmpty();
        return report(session, filter.table(), changes, conflicts, lost, stands, plan != null && stands);
    }

    /** All changes but those of rows in conflict, also under the keys that these had before or after. */
    private static List<Change> without(List<Change> changes, List<Conflict> conflicts) {
        Set<String> keys = conflicts.stream().map(Conflict::key).collect(Collectors.toCollection(HashSet::new));
        boolean grows = true;
        while (grows) {
            grows = keys.addAll(changes.stream()
                    .filter(change -> change.movedKey() != null && keys.contains(change.movedKey()))
                    .map(Change::key)
                    .toList());
        }
        return changes.stream().filter(change -> !keys.contains(change.key())).toList();
    }

    private static Report report(
            Session session,
            TableName table,
            List<Change> changes,
            List<Conflict> conflicts,
            List<String> lost,
            boolean stands,
            boolean done) {
        Map<String, Long> operations =
                changes.stream().collect(Collectors.groupingBy(Change::operation, Collectors.counting()));
        return new Report(
                changes,
                (int) (operations.getOrDefault("DELETE", 0L) + operations.getOrDefault("TRUNCATE", 0L)),
                operations.getOrDefault("UPDATE", 0L).intValue(),
                operations.getOrDefault("INSERT", 0L).intValue(),
                conflicts,
                lost,
                stands ? differing(session, table, changes) : 0,
                done);
    }

    private static long differing(Session session, TableName table, List<Change> changes) {
        return session.one(
                "select segdiff.differing_rows(?::regclass, ?)", row -> row.getLong(1), table.toString(), ids(changes));
    }

    private static List<Change> changes(Session session, AuditFilter filter) {
        return session.list(
                """
                with meant as (
                    select l.audit_id, l.statement_id, l.operation, l.key, l.moved_key from segdiff.audit_log l
                    where l.relation = to_regclass(?) and %s)
                select m.audit_id, m.operation, m.key, m.moved_key from meant m
                union
                select l.audit_id, l.operation, l.key, l.moved_key
                from meant m join segdiff.audit_log l on l.relation = to_regclass(?) and l.statement_id = m.statement_id
                    and l.key = m.moved_key and l.moved_key = m.key
                order by audit_id desc
                """.formatted(AuditFilter.CONDITION),
                row -> new Change(row.getLong(1), row.getString(2), row.getString(3), row.getString(4)),
                filter.binds(
                        List.of(filter.table().toString()),
                        List.of(filter.table().toString())));
    }

    private static List<Conflict> revert(Session session, TableName table, Collection<Change> changes) {
        return session.list(
                """
                select l.key, l.operation, l.transaction_id, r.reason
                from segdiff.revert_changes(?::regclass, ?, current_setting('search_path')) r
                join segdiff.audit_log l on l.relation = ?::regclass and l.audit_id = r.audit_id
                order by l.audit_id desc
                """,
                row -> new Conflict(row.getString(1), row.getString(2), row.getLong(3), row.getString(4)),
                table.toString(),
                ids(changes),
                table.toString());
    }

    private static List<String> lostColumns(Session session, TableName table, Long[] ids) {
        return session.list("""
                select distinct k from segdiff.audit_history l
                cross join unnest(l.changed) k
                where l.relation = ?::regclass and l.audit_id = any (?) and l.old_row ->> k is not null
                  and not exists (select from pg_attribute a
                                  where a.attrelid = l.relation and a.attname = k and a.attnum > 0 and not a.attisdropped)
                order by 1
                """, row -> row.getString(1), table.toString(), ids);
    }

    private static Long[] ids(Collection<Change> changes) {
        return changes.stream().map(Change::id).toArray(Long[]::new);
    }
}
