package dev.segdiff.segment;

import dev.segdiff.db.Session;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.List;

/** The SQL of the job snapshot-cleanup. */
@ApplicationScoped
class SnapshotCleanupQueries {
    static final String TRASH_SEGMENT = "select segdiff.trash_segment(?, ?, now() - make_interval(secs => ?))";

    /** A snapshot table that no segment knows. */
    record Orphan(long trashId, String name) {}

    /** The segments that nobody has used for longer than {@code unusedAfter}, the longest unused first. */
    List<SegmentKey> unused(Session session, Duration unusedAfter) {
        return session.list("""
                select customer_id, segment_id from segdiff.segments
                where last_used_at < now() - make_interval(secs => ?)
                order by last_used_at, customer_id, segment_id
                """, row -> new SegmentKey(row.getLong(1), row.getLong(2)), unusedAfter.toSeconds());
    }

    /**
     * Moves the snapshot of an unused segment to the trash; returns false if the segment was used or removed meanwhile.
     */
    boolean trash(Session session, SegmentKey key, Duration unusedAfter) {
        return session.one(
                TRASH_SEGMENT, row -> row.getBoolean(1), key.customerId(), key.segmentId(), unusedAfter.toSeconds());
    }

    /**
     * Moves an orphan to the trash; returns false if the table is no orphan any more, or has not been seen as one for
     * so long by the database's own record and clock.
     */
    boolean trash(Session session, Orphan orphan, Duration seenFor) {
        return !session.list("""
                        select segdiff.move_to_trash(t.trash_id) from segdiff.trash t
                        where t.trash_id = ? and t.moved_at is null and t.planned_at < now() - make_interval(secs => ?)
                        """, row -> true, orphan.trashId(), seenFor.toSeconds())
                .isEmpty();
    }

    /** Records when an orphan was seen first, because PostgreSQL does not know the age of a table. */
    void noteOrphans(Session session) {
        session.update("""
                delete from segdiff.trash t where t.kind = 'orphan' and t.moved_at is null
                  and not exists (select from segdiff.orphan_snapshots o where o.oid = t.relation);
                insert into segdiff.trash (relation, kind, owner, origin)
                select o.oid, 'orphan', 'orphan', 'segdiff.' || o.relname from segdiff.orphan_snapshots o
                on conflict (relation) do nothing
                """);
    }

    List<Orphan> orphans(Session session, Duration seenFor) {
        return session.list("""
                select t.trash_id, t.origin from segdiff.trash t
                join segdiff.orphan_snapshots o on o.oid = t.relation
                where t.kind = 'orphan' and t.moved_at is null and t.planned_at < now() - make_interval(secs => ?)
                order by t.trash_id
                """, row -> new Orphan(row.getLong(1), row.getString(2)), seenFor.toSeconds());
    }
}
