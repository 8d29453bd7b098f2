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

/** Tables wait in the schema {@code segdiff_trash} before they are dropped: what a run destroys can be undone for a while. */
@ApplicationScoped
public class Trash {
    /** What a table in the trash was. */
    public enum Kind {
        /** The snapshot of a segment, with what is needed to bring it back. */
        SNAPSHOT,
        /** A snapshot table that no segment knew. */
        ORPHAN,
        /** An expired partition. */
        PARTITION;

        String sql() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /**
     * A table in the trash, or on its way there.
     *
     * @param table null if it is gone
     * @param owner the segment, or the event policy, that it belonged to
     * @param origin its name before
     * @param movedAt null while it is where it was
     */
    @RegisterForReflection
    public record Entry(
            long id,
            @Nullable TableName table,
            String owner,
            String origin,
            @Nullable OffsetDateTime movedAt) {}

    /** Moves a table that was noted. */
    public static final String MOVE = "select segdiff.move_to_trash(?)";

    private static final String ENTRIES = """
            select t.trash_id, n.nspname, c.relname, t.owner, t.origin, t.moved_at
            from segdiff.trash t
            left join pg_class c on c.oid = t.relation
            left join pg_namespace n on n.oid = c.relnamespace
            """;

    /** The newest first. */
    public List<Entry> waiting(Session session, Kind kind) {
        return session.list(
                ENTRIES + "where t.kind = ? and t.moved_at is not null order by t.moved_at desc, t.trash_id desc",
                Trash::entry,
                kind.sql());
    }

    /** Those that have waited long enough, the oldest first. */
    public List<Entry> due(Session session, Kind kind, Duration after) {
        return session.list(
                ENTRIES
                        + "where t.kind = ? and t.moved_at < now() - make_interval(secs => ?) order by t.moved_at, t.trash_id",
                Trash::entry,
                kind.sql(),
                after.toSeconds());
    }

    /**
     * Drops a table for good. One that somebody has taken back by hand, into another schema or as a partition, is only
     * forgotten.
     *
     * @param after how long it has to have waited, by the database's own note and clock
     * @return false if it has not waited so long, or is not there any more
     */
    public boolean drop(Session session, Entry entry, Duration after) {
        boolean due = session.update(
                        "delete from segdiff.trash where trash_id = ? and moved_at < now() - make_interval(secs => ?)",
                        entry.id(),
                        after.toSeconds())
                > 0;
        if (due && entry.table() != null) {
            session.update("lock table " + entry.table() + " in access exclusive mode");
            boolean ours = session.one(
                    "select not relispartition and relnamespace = 'segdiff_trash'::regnamespace from pg_class where oid = ?::regclass",
                    row -> row.getBoolean(1),
                    entry.table().toString());
            if (ours) {
                session.update("drop table " + entry.table());
            }
        }
        return due;
    }

    /** The step that drops for good what has waited for this long. */
    public Step<Entry> dropStep(String count, Duration after) {
        return new Step<>(
                count,
                Entry::origin,
                entry -> "drop table " + entry.table(),
                (session, entry) -> drop(session, entry, after));
    }

    /** Moves a table that was noted; {@code lock_timeout} bounds the wait for its readers. */
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
