package dev.segdiff.event;

import dev.segdiff.db.Session;
import dev.segdiff.run.RunContext;
import dev.segdiff.table.Reference;
import dev.segdiff.table.TimedTable;
import dev.segdiff.table.Where;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The SQL of batches. Rows stay in the server. */
@ApplicationScoped
class EventQueries {
    /**
     * Where a batch begins and ends.
     *
     * @param first the least value; null: there is none
     * @param next the value after the batch; null: the batch is the rest
     * @param rows how many there are, up to one more than asked for
     */
    record Keys(@Nullable String first, @Nullable String next, long rows) {}

    /** The pages between which rows of one value lie. */
    record Pages(long from, long until) {}

    private static final String KEYS = """
            with keys as materialized (select %1$s as key from %2$s where %3$s order by %1$s limit ?)
            select (select key::text from keys limit 1) as first, (select key::text from keys offset ? limit 1) as next,
                (select count(*) from keys) as rows""";

    private static final String DELETE = "delete from %1$s t where %2$s and %3$s and %4$s";

    /** Rows that somebody has locked are passed over; one whose time is moved while we look at it is spared. */
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
                           where not l.granted and a.application_name <> 'segdiff' and pg_backend_pid() = any (pg_blocking_pids(l.pid)))""";

    /** The database's clock. */
    Instant now(Session session) {
        return session.one(
                "select now()", row -> row.getObject(1, OffsetDateTime.class).toInstant());
    }

    /** The first rows that meet the condition, in the order of their time, read from the index alone where possible. */
    Keys keys(Session session, TimedTable table, Where where, long rows) {
        List<Object> binds = new ArrayList<>(where.binds());
        binds.add(rows + 1);
        binds.add(rows);
        return session.one(
                KEYS.formatted(table.column(), table.table(), where.sql()),
                row -> new Keys(row.getString("first"), row.getString("next"), row.getLong("rows")),
                binds.toArray());
    }

    /** The pages in which rows of this value lie; they are next to each other where rows are only ever appended. */
    Pages pagesOf(Session session, TimedTable table, Where where) {
        return session.one(
                """
                select coalesce((min(ctid)::text::point)[0]::bigint, 0) as first, coalesce((max(ctid)::text::point)[0]::bigint, -1) as last
                from %s where %s
                """.formatted(table.table(), where.sql()),
                row -> new Pages(row.getLong("first"), row.getLong("last") + 1),
                where.binds().toArray());
    }

    boolean isEmpty(Session session, TimedTable table) {
        return session.one("select not exists (select from " + table.table() + ")", row -> row.getBoolean(1));
    }

    long countRows(Session session, TimedTable table, Where where) {
        return session.one(
                "select count(*) from %s t where %s".formatted(table.table(), where.sql()),
                row -> row.getLong(1),
                where.binds().toArray());
    }

    /**
     * What a delete has left of the rows that it meant.
     *
     * @param locked rows that somebody has locked
     * @param kept rows by what keeps them
     */
    record Left(long locked, Map<String, Long> kept) {
        static final Left NOTHING = new Left(0, Map.of());
    }

    /** Looks what is left, and why. */
    Left left(Session session, TimedTable table, Where where) {
        long all = countRows(session, table, where);
        if (all == 0) {
            return Left.NOTHING;
        }
        Map<String, Long> kept = new LinkedHashMap<>();
        for (Reference reference : table.references()) {
            kept.put(reference.words(), countRows(session, table, where.and(Where.of(reference.exists()))));
        }
        Where unreferenced = where.and(Where.of(Reference.none(table.references())));
        long others = countRows(session, table, unreferenced);
        long free = session.one(
                "select count(*) from (select from %s t where %s for update skip locked) free"
                        .formatted(table.table(), unreferenced.sql()),
                row -> row.getLong(1),
                unreferenced.binds().toArray());
        kept.put(KeptRows.TRIGGERS, free);
        return new Left(others - free, kept);
    }

    /** Waits for locked rows, as long as lock_timeout allows. */
    long delete(Session session, TimedTable table, Where where) {
        Where guard = RetentionGuard.rows(table);
        return session.update(
                DELETE.formatted(table.table(), where.sql(), guard.sql(), Reference.none(table.references())),
                where.and(guard).binds().toArray());
    }

    /** @param spared what must hold for a row that was locked, too */
    long deleteUnlocked(Session session, TimedTable table, Where where, Where spared, long limit) {
        List<Object> binds = new ArrayList<>(where.binds());
        binds.add(limit);
        Where guard = RetentionGuard.rows(table);
        binds.addAll(spared.and(guard).binds());
        return session.update(
                DELETE_UNLOCKED.formatted(
                        table.table(), where.sql(), spared.sql(), guard.sql(), Reference.none(table.references())),
                binds.toArray());
    }

    /** Ends a batch: saves how far it came, and tells whether somebody waits for what this transaction has locked. */
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

    /** The statements of a batch, for a dry run. */
    void tell(RunContext run, TimedTable table, Where where) {
        run.wouldRun(KEYS.formatted(table.column(), table.table(), where.sql()));
        String guard = RetentionGuard.rows(table).sql();
        String unreferenced = Reference.none(table.references());
        run.wouldRun(DELETE.formatted(table.table(), where.sql(), guard, unreferenced));
        run.wouldRun(DELETE_UNLOCKED.formatted(table.table(), where.sql(), where.sql(), guard, unreferenced));
        run.wouldRun(SAVE_CURSOR);
        run.wouldRun(COUNT_DAY);
    }
}
