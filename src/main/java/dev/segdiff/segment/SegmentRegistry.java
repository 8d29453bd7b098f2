package dev.segdiff.segment;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import dev.segdiff.trash.Trash;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The registry of segments: adds, shows, removes and restores them. */
@ApplicationScoped
public class SegmentRegistry {
    private static final String SEGMENTS = """
            select s.customer_id, s.segment_id, s.source, s.current_version, w.day, v.contacts, s.last_used_at,
                w.problem || ' on ' || w.problem_day || ': ' || w.problem_reason as problem
            from segdiff.segments s
            join segdiff.segment_states w using (customer_id, segment_id)
            left join segdiff.segment_versions v on v.version = s.current_version
            """;

    private final Database database;
    private final Trash trash;

    public SegmentRegistry(Database database, Trash trash) {
        this.database = database;
        this.trash = trash;
    }

    /**
     * Registers a segment.
     *
     * @param source the relation to read, or null for uploads
     * @return false if the segment was registered with the same source before
     * @throws InvalidInputException if the source is unfit, or the segment is registered with another source
     */
    public boolean add(SegmentKey key, @Nullable TableName source) {
        return add(key, source, false);
    }

    /**
     * Registers a segment.
     *
     * @param rowSecurity whether the segment means only those rows that row level security shows to the role that
     *     registers it
     */
    public boolean add(SegmentKey key, @Nullable TableName source, boolean rowSecurity) {
        return database.transaction(session -> {
            String name = source == null ? null : checkSource(session, source.toString());
            long added = session.update("""
                    insert into segdiff.segments (customer_id, segment_id, source, source_owner, row_security)
                    values (?, ?, ?,
                        (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = segdiff.source_oid(?)), ?)
                    on conflict do nothing
                    """, key.customerId(), key.segmentId(), name, name, rowSecurity);
            if (added == 0) {
                String present = read(session, key).source();
                if (!Objects.equals(present, name)) {
                    throw new InvalidInputException("segment " + key + " is registered with "
                            + (present == null ? "uploads" : "source " + present) + ": remove it first");
                }
            }
            return added > 0;
        });
    }

    public List<Segment> list() {
        return database.transaction(
                session -> session.list(SEGMENTS + "order by customer_id, segment_id", SegmentRegistry::segment));
    }

    /** @throws InvalidInputException if the segment is not registered */
    public Segment show(SegmentKey key) {
        return database.transaction(session -> read(session, key));
    }

    /** The versions of a segment, the newest first. */
    public List<SegmentVersion> versions(SegmentKey key, int limit) {
        return database.transaction(
                session -> session.list("""
                select version, day, contacts, added, removed, baseline, published_at
                from segdiff.segment_versions where customer_id = ? and segment_id = ?
                order by version desc limit ?
                """, SegmentRegistry::version, key.customerId(), key.segmentId(), limit));
    }

    /** Marks a segment as used, so that snapshot-cleanup does not remove it. */
    public Segment use(SegmentKey key) {
        return database.transaction(session -> {
            read(session, key);
            session.call("select segdiff.mark_used(?, ?)", key.customerId(), key.segmentId());
            return read(session, key);
        });
    }

    /**
     * Removes a segment. Its versions are deleted. Its diffs cannot be reached from now on, and are dropped with their
     * partition. Its snapshot waits in the trash.
     *
     * @throws DatabaseException with a lock timeout while another session works on the segment or reads it
     */
    public void remove(SegmentKey key) {
        database.inTransaction(session -> {
            read(session, key);
            session.call("select segdiff.trash_segment(?, ?, null)", key.customerId(), key.segmentId());
        });
    }

    /** Brings a removed segment back from the trash with the members that it had, and returns its version. */
    public long restore(SegmentKey key) {
        return database.transaction(session -> session.one(
                "select segdiff.restore_segment(?, ?)", row -> row.getLong(1), key.customerId(), key.segmentId()));
    }

    /** The removed segments that can be restored, the newest first. */
    public List<Trash.Entry> trash() {
        return database.transaction(session -> trash.waiting(session, Trash.Kind.SNAPSHOT));
    }

    /** Checks a source, and returns its name as it is stored. */
    private static String checkSource(Session session, String source) {
        try {
            String name = session.one("select segdiff.qualified_source(?)", row -> row.getString(1), source);
            session.call("select segdiff.check_source(?)", name);
            return name;
        } catch (DatabaseException e) {
            // Class 42: the name, the columns or the privileges are wrong.
            if (e.sqlState().startsWith("42")) {
                throw new InvalidInputException(String.valueOf(e.getMessage()));
            }
            throw e;
        }
    }

    private static Segment read(Session session, SegmentKey key) {
        return session.first(
                        SEGMENTS + "where s.customer_id = ? and s.segment_id = ?",
                        SegmentRegistry::segment,
                        key.customerId(),
                        key.segmentId())
                .orElseThrow(() -> new InvalidInputException(
                        "segment " + key + " is not registered: add it with" + " `segdiff segments add "
                                + key.customerId() + " " + key.segmentId() + " --source RELATION`"));
    }

    private static Segment segment(ResultSet row) throws SQLException {
        return new Segment(
                row.getLong("customer_id"),
                row.getLong("segment_id"),
                row.getString("source"),
                row.getObject("current_version", Long.class),
                row.getObject("day", LocalDate.class),
                row.getObject("contacts", Long.class),
                row.getObject("last_used_at", OffsetDateTime.class),
                row.getString("problem"));
    }

    private static SegmentVersion version(ResultSet row) throws SQLException {
        return new SegmentVersion(
                row.getLong("version"),
                row.getObject("day", LocalDate.class),
                row.getLong("contacts"),
                row.getLong("added"),
                row.getLong("removed"),
                row.getBoolean("baseline"),
                row.getObject("published_at", OffsetDateTime.class));
    }
}
