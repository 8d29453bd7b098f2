package dev.segdiff.trash;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import dev.segdiff.pace.Steps.Step;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The tables that wait in the schema {@code segdiff_trash} before they are dropped. Until then, what a run has removed
 * can be put back.
 */
@ApplicationScoped
public class Trash {
    /** What a table was before it came to the trash. */
    public enum Kind {
        /** The snapshot of a removed segment, with the details that are needed to bring the segment back. */
        SNAPSHOT,
        /** A snapshot table that no segment knew. */
        ORPHAN,
        /** An expired partition of an event table. */
        PARTITION;

        String sql() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /**
     * A table in the trash, or on its way there.
     *
     * @param table the name of the table now; null if the table does not exist any more
     * @param owner the segment, or the event policy, that the table belonged to
     * @param origin the name of the table before it came to the trash
     * @param movedAt when the table was moved to the trash; null if it has not been moved yet
     */
    @RegisterForReflection
    public record Entry(
            long id,
            @Nullable TableName table,
            String owner,
            String origin,
            @Nullable OffsetDateTime movedAt) {}

    /**
     * The statement that moves a table to the trash. Its bind is the number of the row in {@code segdiff.trash} that
     * plans the move.
     */
    public static final String MOVE = "select segdiff.move_to_trash(?)";

    private static final String ENTRIES = """
            select t.trash_id, n.nspname, c.relname, t.owner, t.origin, t.moved_at
            from segdiff.trash t
            left join pg_class c on c.oid = t.relation
            left join pg_namespace n on n.oid = c.relnamespace
            """;

    /** The tables of one kind that wait in the trash, the newest first. */
    public List<Entry> waiting(Session session, Kind kind) {
        return session.list(
                ENTRIES + "where t.kind = ? and t.moved_at is not null order by t.moved_at desc, t.trash_id desc",
                Trash::entry,
                kind.sql());
    }

    /** The tables of one kind that have waited for longer than {@code after}, the oldest first. */
    public List<Entry> due(Session session, Kind kind, Duration after) {
        return session.list(
                ENTRIES + "where t.kind = ? and t.moved_at < now() - make_interval(secs => ?)"
                        + " order by t.moved_at, t.trash_id",
                Trash::entry,
                kind.sql(),
                after.toSeconds());
    }

    /**
     * Drops a table for good. If somebody has taken the table back by hand, into another schema or as a partition, only
     * its row in {@code segdiff.trash} is deleted.
     *
     * @param after how long the table must have waited, by the time recorded in {@code segdiff.trash} and the
     *     database's clock
     * @return whether the table was dropped; false if the table has not waited for that long, or is not in the trash
     */
    public boolean drop(Session session, Entry entry, Duration after) {
        boolean due = session.update(
                        "delete from segdiff.trash where trash_id = ? and moved_at < now() - make_interval(secs => ?)",
                        entry.id(),
                        after.toSeconds())
                > 0;
        TableName table = entry.table();
        // Looked at before the lock as well: a table that is in use again is not to be locked.
        if (!due || table == null || !isOurs(session, table)) {
            return false;
        }
        session.update("lock table " + table + " in access exclusive mode");
        if (!isOurs(session, table)) {
            return false;
        }
        session.update("drop table " + table);
        return true;
    }

    private static boolean isOurs(Session session, TableName table) {
        return session.first(
                        "select not relispartition and relnamespace = 'segdiff_trash'::regnamespace"
                                + " from pg_class where oid = to_regclass(?)",
                        row -> row.getBoolean(1),
                        table.toString())
                .orElse(false);
    }

    /** The step that drops a table for good after it has waited for {@code after}. */
    public Step<Entry> dropStep(String count, Duration after) {
        return new Step<>(
                count,
                Entry::origin,
                entry -> entry.table() == null
                        ? "delete from segdiff.trash where trash_id = " + entry.id()
                        : "drop table " + entry.table(),
                (session, entry) -> drop(session, entry, after));
    }

    /** Moves a planned table to the trash. The move waits for readers of the table for {@code lock_timeout} at most. */
    public void move(Session session, long trashId) {
        session.call(MOVE, trashId);
    }

    private static Entry entry(ResultSet row) throws SQLException {
        String name = row.getString("relname");
        return new Entry(
                row.getLong("trash_id"),
                name == null ? null : new TableName(row.getString("nspname"), name),
                row.getString("owner"),
                row.getString("origin"),
                row.getObject("moved_at", OffsetDateTime.class));
    }
}
