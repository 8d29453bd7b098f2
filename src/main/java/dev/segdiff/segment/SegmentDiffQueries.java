package dev.segdiff.segment;

import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import dev.segdiff.segment.Publication.Published;
import dev.segdiff.segment.SegmentPublisher.PublishOptions;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The SQL of the job segment-diff. */
@ApplicationScoped
class SegmentDiffQueries {
    /**
     * The SQL state that claim_segment raises. The SQL standard leaves states that begin with I to Z to
     * implementations.
     */
    static final String NOT_CLAIMED = "SD001";

    /** The SQL state that open_source raises if the source belongs to another role than before. */
    static final String OTHER_OWNER = "SD006";

    private static final String CANDIDATES = """
            select s.customer_id, s.segment_id, s.source, s.current_version, v.contacts,
                nextval('segdiff.version_ids') as next_version,
                exists (select from pg_class c
                        where c.oid = s.snapshot and c.relnamespace = 'segdiff'::regnamespace
                          and c.relname
                              = concat_ws('_', 'segment', s.customer_id, s.segment_id, s.current_version)
                       ) as snapshot_exists,
                exists (select from pg_class c where c.oid = s.snapshot and c.relreplident <> 'f') as unidentified
            from segdiff.segments s
            join segdiff.segment_states w using (customer_id, segment_id)
            left join segdiff.segment_versions v on v.version = s.current_version
            """;

    private static final String CLAIM = "select segdiff.claim_segment(?, ?, ?, ?, ?, ?)";

    private static final String OPEN_SOURCE = "select segdiff.open_source(?, ?, ?)";

    private static final String PUBLISH =
            "select contacts, added, removed from segdiff.publish_version(?, ?, ?, ?, ?, ?, ?)";

    /**
     * The segments that need a version, those first that have waited longest, so that no segment is left out for ever
     * if runs end early. The ids of the new versions are drawn here, in a transaction that is durable before any of the
     * versions is published.
     */
    List<DueSegment> due(Session session, LocalDate day, boolean force) {
        return session.list(CANDIDATES + """
                        where s.source is not null and (w.day is null or w.day < ? or (? and w.day = ?))
                        order by w.day nulls first, s.customer_id, s.segment_id
                        """, SegmentDiffQueries::candidate, day, force, day);
    }

    Optional<DueSegment> find(Session session, SegmentKey key) {
        return session.first(
                CANDIDATES + "where s.customer_id = ? and s.segment_id = ?",
                SegmentDiffQueries::candidate,
                key.customerId(),
                key.segmentId());
    }

    /**
     * Holds a segment until the transaction ends. The transaction fails with {@link #NOT_CLAIMED} if another worker
     * holds the segment, if the segment has its version of the day, or if it was changed since it was read.
     */
    void claim(Session session, DueSegment segment, PublishOptions options) {
        session.call(CLAIM, claimBinds(segment, options));
    }

    /** Claims the segment, and prepares its source to be read with the right role. */
    SourceQuery claimAndOpen(Session session, DueSegment segment, PublishOptions options) {
        List<@Nullable Object> binds = new ArrayList<>(Arrays.asList(claimBinds(segment, options)));
        Collections.addAll(binds, segment.key().customerId(), segment.key().segmentId(), options.accept());
        String sql = session.one(CLAIM + "; " + OPEN_SOURCE, row -> row.getString(1), binds.toArray());
        return SourceQuery.of(String.valueOf(segment.source()), sql);
    }

    /**
     * Makes the first snapshot. `create table as` reads the source in parallel, which `insert ... select` never does.
     * About 1 % of the rows change each day. With a scale factor of 5 % (default: 20 %), autovacuum frees the space of
     * old rows earlier. The table has no index, so vacuum is cheap.
     */
    long createSnapshot(Session session, DueSegment segment, SourceQuery source) {
        TableName snapshot = segment.nextSnapshot();
        long contacts = session.update(("create table %s with (autovacuum_vacuum_scale_factor = 0.05) as"
                        + " select distinct contact_id from (%s) source")
                .formatted(snapshot, source.sql()));
        forgetCode(session, source);
        session.update("alter table %s alter contact_id set not null, replica identity full".formatted(snapshot));
        return contacts;
    }

    /**
     * Compares, applies and publishes in one round trip. This is the cheapest way for small segments, but it cannot run
     * in parallel. The guard against too many removals is checked afterwards, and a version that is held back is rolled
     * back.
     */
    Published publishAtOnce(Session session, DueSegment segment, SourceQuery source, PublishOptions options) {
        String apply = """
                with changes as materialized (%1$s),
                removed as (delete from %2$s old using changes where old.ctid = changes.place),
                added as (insert into %2$s select contact_id from changes where place is null)
                insert into segdiff.segment_diffs (version, contact_id, day, added)
                select ?, contact_id, ?, place is null from changes
                """.formatted(changes(segment, source), segment.currentSnapshot());
        if (source.runsCode()) {
            session.update(apply, segment.nextVersion(), options.day());
            session.forgetOthersCode();
            return publish(session, segment, false, options);
        }
        List<@Nullable Object> binds = new ArrayList<>();
        Collections.addAll(binds, segment.nextVersion(), options.day());
        Collections.addAll(binds, publishBinds(segment, false, options));
        return session.one(apply + ";\n" + PUBLISH, row -> published(segment, false, row), binds.toArray());
    }

    private static void forgetCode(Session session, SourceQuery source) {
        if (source.runsCode()) {
            session.forgetOthersCode();
        }
    }

    /**
     * Gives a snapshot a replica identity. With a publication for all tables, PostgreSQL deletes only from tables that
     * have one. Snapshots that an earlier version of segdiff has made have none. If the snapshot does not exist any
     * more, another worker has published it meanwhile, and the claim finds this out.
     */
    void identify(Session session, DueSegment segment) {
        session.update("alter table if exists %s replica identity full".formatted(segment.currentSnapshot()));
    }

    /** Only compares, and writes the changes into a temporary table. PostgreSQL does this in parallel where it can. */
    Published compare(Session session, DueSegment segment, SourceQuery source) {
        session.update("create temporary table segdiff_changes on commit drop as " + changes(segment, source));
        forgetCode(session, source);
        return session.one("""
                select count(*) filter (where place is null) as added, count(place) as removed,
                    ? + count(*) filter (where place is null) - count(place) as contacts
                from pg_temp.segdiff_changes
                """, row -> published(segment, false, row), segment.contacts());
    }

    /** Applies the changes that {@link #compare} has found. */
    void apply(Session session, DueSegment segment, LocalDate day) {
        session.update("""
                delete from %s
                where ctid = any (array(select place from pg_temp.segdiff_changes where place is not null))
                """.formatted(segment.currentSnapshot()));
        session.update("""
                insert into %s select contact_id from pg_temp.segdiff_changes where place is null
                """.formatted(segment.currentSnapshot()));
        session.update("""
                insert into segdiff.segment_diffs (version, contact_id, day, added)
                select ?, contact_id, ?, place is null from pg_temp.segdiff_changes order by contact_id
                """, segment.nextVersion(), day);
    }

    /** Makes the version current. A snapshot is renamed to its new version, not copied. */
    Published publish(Session session, DueSegment segment, boolean baseline, PublishOptions options) {
        return session.one(PUBLISH, row -> published(segment, baseline, row), publishBinds(segment, baseline, options));
    }

    /**
     * Records why nothing was published. If the last attempt failed for the same kind of problem, the time since when
     * the problem exists stays as it was.
     */
    void recordProblem(Session session, SegmentKey key, Publication.Problem problem, LocalDate day) {
        session.update("""
                update segdiff.segment_states
                set problem_since = case when problem = ? then problem_since else now() end,
                    problem = ?, problem_reason = ?, problem_day = ?
                where customer_id = ? and segment_id = ?
                """, problem.kind(), problem.kind(), problem.reason(), day, key.customerId(), key.segmentId());
    }

    /** How many of these segments still have no version of the day. */
    long stillDue(Session session, List<DueSegment> segments, LocalDate day) {
        return session.one(
                """
                select count(*) from segdiff.segment_states w
                join unnest(?::bigint[], ?::bigint[]) as k (customer_id, segment_id) using (customer_id, segment_id)
                where w.day is null or w.day < ?
                """,
                row -> row.getLong(1),
                segments.stream().map(segment -> segment.key().customerId()).toArray(Long[]::new),
                segments.stream().map(segment -> segment.key().segmentId()).toArray(Long[]::new),
                day);
    }

    /**
     * The query of the changes, with one row for each contact that joins or leaves. A contact that leaves has its
     * place, the ctid in the old snapshot, so that the delete goes straight to its row. A contact that joins has no
     * place. A source row without an id matches nothing, appears as a change, and is then refused by the snapshot.
     * Duplicates are removed here, among the few changes, and not in the whole source.
     */
    private static String changes(DueSegment segment, SourceQuery source) {
        return """
               select distinct coalesce(old.contact_id, new.contact_id) as contact_id, old.place
               from (select contact_id, ctid as place from %s) old
               full join (%s) new on new.contact_id = old.contact_id
               where old.place is null or new.contact_id is null
               """.formatted(segment.currentSnapshot(), source.sql());
    }

    private static @Nullable Object[] claimBinds(DueSegment segment, PublishOptions options) {
        return new @Nullable Object[] {
            segment.key().customerId(),
            segment.key().segmentId(),
            segment.currentVersion(),
            segment.source(),
            options.day(),
            options.force()
        };
    }

    private static @Nullable Object[] publishBinds(DueSegment segment, boolean baseline, PublishOptions options) {
        return new @Nullable Object[] {
            segment.key().customerId(),
            segment.key().segmentId(),
            segment.nextVersion(),
            segment.nextSnapshot().name(),
            options.day(),
            baseline,
            options.runId()
        };
    }

    private static Published published(DueSegment segment, boolean baseline, ResultSet row) throws SQLException {
        return new Published(
                segment.nextVersion(), row.getLong("contacts"), row.getLong("added"), row.getLong("removed"), baseline);
    }

    private static DueSegment candidate(ResultSet row) throws SQLException {
        return new DueSegment(
                new SegmentKey(row.getLong("customer_id"), row.getLong("segment_id")),
                row.getString("source"),
                row.getObject("current_version", Long.class),
                row.getLong("contacts"),
                row.getBoolean("snapshot_exists"),
                row.getBoolean("unidentified"),
                row.getLong("next_version"));
    }
}
