package dev.segdiff.event;

import dev.segdiff.db.Session;
import dev.segdiff.run.RunContext;
import dev.segdiff.table.Reference;
import dev.segdiff.table.TimeQueries;
import dev.segdiff.table.TimeWalk;
import dev.segdiff.table.TimedTable;
import dev.segdiff.table.Where;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The SQL that deletes expired rows. The rows stay in the server, and only their number is returned. */
@ApplicationScoped
class EventQueries {
    private static final String DELETE = "delete from %1$s t where %2$s and %3$s and %4$s";

    /**
     * Deletes rows and passes over those that another session has locked. A row whose time is changed before the row
     * lock is taken is kept.
     */
    private static final String DELETE_UNLOCKED = """
            delete from %1$s t
            where ctid = any (array(select ctid from %1$s t where %2$s and %5$s limit ? for update skip locked))
              and %3$s and %4$s and %5$s""";

    private static final String SAVE_CURSOR = "update segdiff.event_policies set cursor = ? where policy = ?";

    static final String COUNT_DAY = """
            insert into segdiff.event_days as d (policy, day, expired) values (?, (now() at time zone 'UTC')::date, ?)
            on conflict (policy, day) do update set expired = d.expired + excluded.expired""";

    private static final String HOLDS_UP = """
            select exists (select from pg_locks l join pg_stat_activity a using (pid)
                           where not l.granted and a.application_name <> 'segdiff'
                             and pg_backend_pid() = any (pg_blocking_pids(l.pid)))""";

    /**
     * The rows that a delete was meant to remove and did not.
     *
     * @param locked the number of rows that another session has locked
     * @param kept the number of rows for each cause that keeps them
     */
    record Left(long locked, Map<String, Long> kept) {
        static final Left NOTHING = new Left(0, Map.of());
    }

    /** Counts the rows that are left, and finds out why. */
    Left left(Session session, TimedTable table, Where where) {
        long all = TimeQueries.countRows(session, table, where);
        if (all == 0) {
            return Left.NOTHING;
        }
        Map<String, Long> kept = new LinkedHashMap<>();
        for (Reference reference : table.references()) {
            kept.put(reference.words(), TimeQueries.countRows(session, table, where.and(Where.of(reference.exists()))));
        }
        Where unreferenced = where.and(Where.of(Reference.none(table.references())));
        long others = TimeQueries.countRows(session, table, unreferenced);
        long free = session.one(
                "select count(*) from (select from %s t where %s for update skip locked) free"
                        .formatted(table.table(), unreferenced.sql()),
                row -> row.getLong(1),
                unreferenced.binds().toArray());
        kept.put(KeptRows.TRIGGERS, free);
        return new Left(others - free, kept);
    }

    /** Deletes expired rows, and waits for locked rows for as long as {@code lock_timeout} allows. */
    long delete(Session session, PolicyTable target, Where where) {
        TimedTable table = target.table();
        Where guard = target.guard().rows();
        return session.update(
                DELETE.formatted(table.table(), where.sql(), guard.sql(), Reference.none(table.references())),
                where.and(guard).binds().toArray());
    }

    /**
     * Deletes expired rows, and passes over locked rows. A row whose time was changed before its lock was taken is
     * kept.
     */
    long deleteUnlocked(Session session, PolicyTable target, TimeWalk.Slice slice) {
        TimedTable table = target.table();
        Where guard = target.guard().rows();
        List<Object> binds = new ArrayList<>(slice.where().binds());
        binds.add(slice.limit());
        binds.addAll(slice.recheck().and(guard).binds());
        return session.update(
                DELETE_UNLOCKED.formatted(
                        table.table(),
                        slice.where().sql(),
                        slice.recheck().sql(),
                        guard.sql(),
                        Reference.none(table.references())),
                binds.toArray());
    }

    /**
     * Ends a batch: saves the cursor, and counts the expired rows of the day.
     *
     * @return whether another session waits for rows that this transaction has locked
     */
    boolean endBatch(Session session, EventPolicy policy, @Nullable String cursor, long expired) {
        String save = cursor == null ? COUNT_DAY : SAVE_CURSOR + "; " + COUNT_DAY;
        List<Object> binds = new ArrayList<>();
        if (cursor != null) {
            binds.add(cursor);
            binds.add(policy.name());
        }
        binds.add(policy.name());
        binds.add(expired);
        return session.one(save + ";\n" + HOLDS_UP, row -> row.getBoolean(1), binds.toArray());
    }

    void saveCursor(Session session, EventPolicy policy, @Nullable String cursor) {
        session.update(SAVE_CURSOR, cursor, policy.name());
    }

    Optional<String> cursor(Session session, EventPolicy policy) {
        return session.first(
                        "select coalesce(cursor, '') from segdiff.event_policies where policy = ?",
                        row -> row.getString(1),
                        policy.name())
                .filter(cursor -> !cursor.isEmpty());
    }

    /** Records the statements of a batch for the report of a dry run. */
    void recordDryRun(PolicyRun policyRun, Where where) {
        RunContext run = policyRun.run();
        TimedTable table = policyRun.table();
        String guard = policyRun.target().guard().rows().sql();
        String unreferenced = Reference.none(table.references());
        run.wouldRun(TimeQueries.keysSql(table, where));
        run.wouldRun(DELETE.formatted(table.table(), where.sql(), guard, unreferenced));
        run.wouldRun(DELETE_UNLOCKED.formatted(table.table(), where.sql(), where.sql(), guard, unreferenced));
        run.wouldRun(SAVE_CURSOR);
        run.wouldRun(COUNT_DAY);
    }
}
