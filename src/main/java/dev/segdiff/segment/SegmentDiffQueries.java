package dev.segdiff.segment;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The SQL of segment-diff. */
@ApplicationScoped
class SegmentDiffQueries {
    /** A segment to do, and what it is read from. */
    record Due(SegmentKey key, String source) {}

    /** What would change: added and removed contacts, and rows of the source without an id. */
    record Changes(long added, long removed, long nulls) {
        static Changes read(ResultSet row) throws SQLException {
            return new Changes(row.getLong("added"), row.getLong("removed"), row.getLong("nulls"));
        }
    }

    /** Segments to do, those first that have waited longest: a run that ends early starves nobody. */
    List<Due> due(Session session, LocalDate day, boolean force) {
        return session.list(
                """
                select w.customer_id, w.segment_id, s.source
                from segdiff.segment_states w join segdiff.segments s using (customer_id, segment_id)
                where s.source is not null and (w.day is null or w.day < ? or (? and w.day = ?))
                order by w.day nulls first, w.customer_id, w.segment_id
                """, row -> new Due(new SegmentKey(row.getLong(1), row.getLong(2)), row.getString(3)), day, force, day);
    }

    /**
     * Holds a segment until the transaction ends, unless another worker holds it or it has its version of the day. The
     * day stands in the locked row, so that it is read anew when the lock was just given back.
     */
    Optional<Claim> claim(Session session, SegmentKey key, LocalDate day, boolean force) {
        return session.first("""
                select s.source, s.current_version, v.contacts, nextval('segdiff.version_ids') as next_version,
                    exists (select from pg_class c where c.oid = s.snapshot) as snapshot_exists,
                    array(select a.attname || ' ' || coalesce(nullif(t.typbasetype, 0), t.oid)::regtype
                          from pg_attribute a join pg_type t on t.oid = a.atttypid
                          where a.attrelid = to_regclass(s.source)
                            and a.attname in ('contact_id', 'customer_id', 'segment_id')) as columns
                from segdiff.segment_states w
                join segdiff.segments s using (customer_id, segment_id)
                left join segdiff.segment_versions v on v.version = s.current_version
                where w.customer_id = ? and w.segment_id = ? and (w.day is null or w.day < ? or (? and w.day = ?))
                for update of w skip locked
                """, row -> claim(key, row), key.customerId(), key.segmentId(), day, force, day);
    }

    /** Raises an error that names what is wrong with the source. */
    void checkSource(Session session, String source) {
        session.list("select segdiff.check_source(?)", row -> row, source);
    }

    /** The first snapshot. `create table as` reads the source in parallel, `insert ... select` never does. */
    long createSnapshot(Session session, Claim claim, SourceQuery source) {
        TableName snapshot = claim.nextSnapshot();
        long contacts = session.update(
                "create table %s as select distinct contact_id from (%s) source".formatted(snapshot, source.sql()),
                source.binds().toArray());
        session.update("alter table %s alter contact_id set not null".formatted(snapshot));
        return contacts;
    }

    /**
     * Compares and applies in one statement, the cheapest for small segments; it cannot run in parallel. The guard is
     * asked afterwards: a version that is held back is rolled back.
     */
    Changes compareAndApply(Session session, Claim claim, SourceQuery source, LocalDate day) {
        return session.one(
                """
                with changes as materialized (%1$s),
                removed as (
                    delete from %2$s old using changes where old.ctid = changes.place),
                added as (
                    insert into %2$s select contact_id from changes where place is null and contact_id is not null),
                diffs as (
                    insert into segdiff.segment_diffs (version, contact_id, day, added)
                    select %3$d, contact_id, ?, place is null from changes where contact_id is not null)
                %4$s
                """.formatted(changes(claim, source), claim.currentSnapshot(), claim.nextVersion(), COUNT),
                Changes::read,
                and(source, day));
    }

    /** Compares only, into a temporary table, which PostgreSQL does in parallel where it can. */
    Changes compare(Session session, Claim claim, SourceQuery source) {
        session.update(
                "create temporary table segdiff_changes on commit drop as " + changes(claim, source),
                source.binds().toArray());
        return session.one(COUNT.replace("from changes", "from pg_temp.segdiff_changes"), Changes::read);
    }

    /** Applies what {@link #compare} found. */
    void apply(Session session, Claim claim, LocalDate day) {
        session.update("""
                delete from %s
                where ctid = any (array(select place from pg_temp.segdiff_changes where place is not null))
                """.formatted(claim.currentSnapshot()));
        session.update("""
                insert into %s select contact_id from pg_temp.segdiff_changes where place is null
                """.formatted(claim.currentSnapshot()));
        session.update("""
                insert into segdiff.segment_diffs (version, contact_id, day, added)
                select ?, contact_id, ?, place is null from pg_temp.segdiff_changes order by contact_id
                """, claim.nextVersion(), day);
    }

    /** Makes the version current. A snapshot is renamed to its new version, not copied. */
    void publish(Session session, Claim claim, Publication.Published version, LocalDate day, @Nullable Long runId) {
        session.list(
                "select segdiff.publish_version(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row -> row,
                claim.key().customerId(),
                claim.key().segmentId(),
                version.version(),
                claim.nextSnapshot().name(),
                day,
                version.contacts(),
                version.added(),
                version.removed(),
                version.baseline(),
                runId);
    }

    /** Remembers why nothing was published; the time stays that of the first such attempt. */
    void recordProblem(Session session, SegmentKey key, Publication.Problem problem, LocalDate day) {
        session.update("""
                update segdiff.segment_states
                set problem_since = case when problem = ? then problem_since else now() end,
                    problem = ?, problem_reason = ?, problem_day = ?
                where customer_id = ? and segment_id = ?
                """, problem.kind(), problem.kind(), problem.reason(), day, key.customerId(), key.segmentId());
    }

    /** How many of these segments still have no version of the day. */
    long stillDue(Session session, List<Due> segments, LocalDate day) {
        return session.one(
                """
                select count(*) from segdiff.segment_states w
                join unnest(?::bigint[], ?::bigint[]) as k (customer_id, segment_id) using (customer_id, segment_id)
                where w.day is null or w.day < ?
                """,
                row -> row.getLong(1),
                segments.stream().map(due -> due.key().customerId()).toArray(Long[]::new),
                segments.stream().map(due -> due.key().segmentId()).toArray(Long[]::new),
                day);
    }

    private static final String COUNT = """
            select count(*) filter (where place is null and contact_id is not null) as added,
                   count(*) filter (where place is not null) as removed,
                   count(*) filter (where contact_id is null) as nulls
            from changes
            """;

    /**
     * A row for each contact that joins (without a place) or leaves (with its place, the ctid in the old snapshot, so
     * that the delete goes straight to it). A source row without an id matches nothing and shows up as a change without
     * one. Duplicates are folded here, among the few changes, instead of in the whole source.
     */
    private static String changes(Claim claim, SourceQuery source) {
        return """
               select distinct coalesce(old.contact_id, new.contact_id) as contact_id, old.place
               from (select contact_id, ctid as place from %s) old
               full join (%s) new on new.contact_id = old.contact_id
               where old.place is null or new.contact_id is null
               """.formatted(claim.currentSnapshot(), source.sql());
    }

    private static Object[] and(SourceQuery source, Object last) {
        List<Object> binds = new java.util.ArrayList<>(source.binds());
        binds.add(last);
        return binds.toArray();
    }

    private static Claim claim(SegmentKey key, ResultSet row) throws SQLException {
        Array columns = row.getArray("columns");
        return new Claim(
                key,
                row.getString("source"),
                List.of((String[]) columns.getArray()),
                row.getObject("current_version", Long.class),
                row.getLong("contacts"),
                row.getBoolean("snapshot_exists"),
                row.getLong("next_version"));
    }
}
