package dev.segdiff.audit;

import dev.segdiff.audit.AuditUndo.Conflict;
import dev.segdiff.audit.AuditUndo.Watcher;
import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import java.util.List;
import java.util.Optional;

/**
 * What the meant changes ({@link UndoChanges}) come to row by row, in {@code undo_rows}, the row that was changed last first.
 * No statement is about more than some thousand rows, unless these can only go together.
 */
final class UndoRows {
    /** A statement's worth: some tenths of a second. */
    private static final int SET = 5_000;

    private static final String ROWS = "undo_rows";
    private static final String STEPS = "undo_steps";

    private final Session session;
    private final String table;
    private final Watcher watcher;
    private long rows;
    private boolean exact;

    UndoRows(Session session, TableName table, Watcher watcher) {
        this.session = session;
        this.table = table.toString();
        this.watcher = watcher;
    }

    /** Works out what the changes come to. */
    void arrange() {
        exact = false;
        watcher.at("working out what changed", 0, 0);
        session.update("""
                create temporary table undo_keys on commit drop as
                select key, min(audit_id) as first_id, max(audit_id) as last_id from undo_changes group by key;
                create temporary table undo_conflicts (audit_id bigint not null, reason text not null) on commit drop
                """);
        handOver();
        session.update("""
                create temporary table undo_rows on commit drop as
                select row_number() over (order by k.last_id desc) as place, row_number() over (order by k.last_id desc) as row_place,
                    k.key, k.first_id, k.last_id,
                    case when first.old_row is null then 'delete' when last.new_row is null then 'insert' else 'update' end as kind,
                    first.old_row, first.as_text as old_as_text, last.new_row, last.as_text as new_as_text,
                    first.old_row is null and last.new_row is null as done, false as blocked, null::text as reason
                from undo_keys k
                join undo_changes first on first.audit_id = k.first_id join undo_changes last on last.audit_id = k.last_id
                order by 1;
                create unique index on undo_rows (place);
                drop table undo_keys;
                analyze undo_rows
                """);
        rows = session.one("select count(*) from undo_rows", row -> row.getLong(1));
    }

    /**
     * Rows that move their keys at once hand a key on: it may have one row more before it has one less. A row that came and
     * another that went after it: the other was there before, and the row that came is there afterwards.
     */
    private void handOver() {
        session.update("""
                with story as (
                    select c.key, c.audit_id, c.operation, c.moved_key, lead(c.audit_id) over w as next_id,
                        lead(c.operation) over w as next_operation, lead(c.moved_key) over w as next_moved_key
                    from undo_changes c where c.key in (select m.key from undo_changes m where m.moved_key is not null)
                    window w as (partition by c.key order by c.audit_id)),
                handed_on as (
                    select s.key, min(s.audit_id) as came_first, max(s.next_id) as went_last,
                        min(s.next_id) as went_first, max(s.audit_id) as came_last
                    from story s
                    join undo_changes came on came.audit_id = s.audit_id join undo_changes went on went.audit_id = s.next_id
                    where s.operation = 'INSERT' and s.next_operation = 'DELETE' and s.moved_key is not null
                      and s.next_moved_key is not null and came.new_row <> went.old_row
                    group by s.key)
                update undo_keys k set first_id = case k.first_id when h.came_first then h.went_first else k.first_id end,
                    last_id = case k.last_id when h.went_last then h.came_last else k.last_id end
                from handed_on h where h.key = k.key
                """);
    }

    /** Finds rows that were changed again by what is not meant. */
    void checkLaterChanges() {
        session.update("""
                with others as (
                    select l.audit_id, r.key from undo_rows r
                    join segdiff.audit_log l on l.relation = to_regclass(?) and l.key = r.key and l.audit_id > r.first_id
                    where l.audit_id > (select min(first_id) from undo_rows)
                      and not exists (select from undo_changes c where c.audit_id = l.audit_id)),
                story as (
                    select s.audit_id, s.meant, lead(s.audit_id) over w as later, lead(s.meant) over w as later_meant
                    from (select o.audit_id, o.key, false as meant from others o
                          union all
                          select c.audit_id, c.key, true from undo_changes c where c.key in (select o.key from others o)) s
                    window w as (partition by s.key order by s.audit_id))
                insert into undo_conflicts
                select s.audit_id, format('changed again by %s in transaction %s%s', coalesce(l.actor, l.role), l.transaction_id,
                                          ' (undo of ' || l.undoes || ')')
                from story s join segdiff.audit_log l on l.relation = to_regclass(?) and l.audit_id = s.later
                where s.meant and not s.later_meant
                """, table, table);
    }

    /** Takes all rows back if nothing at all is in the way, which costs the least; otherwise nothing has happened. */
    boolean revertStraight() {
        session.update("savepoint straight");
        long differing = 0;
        for (long place = 1; place <= rows; place += SET) {
            watcher.at("taking back", place - 1, rows);
            Optional<Long> differingInSet = session.one(
                    "select segdiff.undo_straight(?::regclass, ?, ?, current_setting('search_path'))",
                    row -> Optional.ofNullable(row.getObject(1, Long.class)),
                    table,
                    place,
                    place + SET - 1);
            if (differingInSet.isEmpty()) {
                session.update("rollback to savepoint straight");
                return false;
            }
            differing += differingInSet.get();
        }
        exact = differing == 0
                && session.<Boolean>one("select segdiff.is_plain(?::regclass)", row -> row.getBoolean(1), table);
        return true;
    }

    /** Finds rows that are not as the audit knows them. */
    void checkRows() {
        for (long place = 1; place <= rows; place += SET) {
            watcher.at("looking at rows", place - 1, rows);
            session.update("""
                    insert into undo_conflicts
                    select u.last_id, 'not as the audit knows it' from undo_rows u
                    where u.place between ? and ? and u.new_row is not null
                      and u.place not in (select segdiff.undo_same_rows(?::regclass, 'new_row', ?, ?))
                    """, place, place + SET - 1, table, place, place + SET - 1);
        }
    }

    /** Takes the rows back; what cannot be is a conflict. */
    void revert() {
        long refused = inSets(ROWS, "taking back", false);
        if (refused > SET) {
            watcher.at("taking back together what depends on each other", rows - refused, rows);
            revert(ROWS, 1, rows, false);
            refused = open(ROWS, 1, rows);
        }
        refused = again(ROWS, "taking back one by one", refused);
        if (refused > 0 && arrangeSteps()) {
            again(STEPS, "taking back change by change", Long.MAX_VALUE);
            keepRefused(STEPS);
        } else if (refused > 0) {
            keepRefused(ROWS);
        }
    }

    /** What is refused is tried again after the others, as long as that helps. */
    private long again(String images, String step, long refusedBefore) {
        long refused = refusedBefore;
        long before = Long.MAX_VALUE;
        while (refused > 0 && (refused < before || refused == Long.MAX_VALUE)) {
            before = refused;
            session.update("update %s set blocked = false where blocked".formatted(images));
            refused = inSets(images, step, true);
        }
        return refused;
    }

    /** The number of those that are left. */
    private long inSets(String images, String step, boolean divide) {
        long all = session.one("select count(*) from " + images, row -> row.getLong(1));
        long left = 0;
        for (long place = 1; place <= all; place += SET) {
            watcher.at(step, place - 1, all);
            if (open(images, place, place + SET - 1) > 0) {
                revert(images, place, place + SET - 1, divide);
                left += open(images, place, place + SET - 1);
            }
        }
        return left;
    }

    private void revert(String images, long from, long to, boolean divide) {
        session.list(
                "select segdiff.undo_range(?::regclass, ?, ?, ?, current_setting('search_path'), ?)",
                row -> row,
                table,
                images,
                from,
                to,
                divide);
    }

    private long open(String images, long from, long to) {
        return session.one(
                "select count(*) from %s where place between ? and ? and not done".formatted(images),
                row -> row.getLong(1),
                from,
                to);
    }

    /**
     * What does not go straight goes change by change, in the reverse of the order in which PostgreSQL made them: values that
     * rows have exchanged by way of a third. If each of those rows was changed once, there is nothing in between: false.
     */
    private boolean arrangeSteps() {
        session.update("""
                create temporary table undo_steps on commit drop as
                select row_number() over (order by c.audit_id desc) as place, r.place as row_place,
                    c.key, c.audit_id as first_id, c.audit_id as last_id,
                    case when c.old_row is null then 'delete' when c.new_row is null then 'insert' else 'update' end as kind,
                    c.old_row, c.as_text as old_as_text, c.new_row, c.as_text as new_as_text,
                    false as done, false as blocked, null::text as reason
                from undo_changes c join undo_rows r on r.key = c.key where not r.done
                order by 1;
                create unique index on undo_steps (place);
                create index on undo_steps (row_place);
                analyze undo_steps
                """);
        return session.one("select count(*) > count(distinct row_place) from undo_steps", row -> row.getBoolean(1));
    }

    private void keepRefused(String images) {
        session.update("""
                insert into undo_conflicts select last_id, reason from %s where not done and reason is not null
                """.formatted(images));
    }

    /** Constraints that hold only at the end of the transaction are asked now. */
    void checkDeferred() {
        session.update("""
                insert into undo_conflicts
                select (select max(last_id) from undo_rows), r.reason from segdiff.broken_constraint() r (reason)
                where r.reason is not null
                """);
    }

    long conflicts() {
        return session.one("select count(*) from undo_conflicts", row -> row.getLong(1));
    }

    List<Conflict> newestConflicts(int most) {
        return session.list(
                """
                select l.key, l.operation, l.transaction_id, c.reason
                from undo_conflicts c join segdiff.audit_log l on l.relation = to_regclass(?) and l.audit_id = c.audit_id
                order by l.audit_id desc limit ?
                """,
                row -> new Conflict(row.getString(1), row.getString(2), row.getLong(3), row.getString(4)),
                table,
                most);
    }

    String conflictIds() {
        return session.one(
                "select coalesce(range_agg(int8range(audit_id, audit_id, '[]')), '{}') from undo_conflicts",
                row -> row.getString(1));
    }

    /** Rows that are not as they were before, although they were taken back: triggers of the table have a say, too. */
    long differing() {
        long differing = 0;
        for (long place = 1; place <= rows && !exact; place += SET) {
            watcher.at("comparing", place - 1, rows);
            differing += session.one("""
                    select (select count(*) from undo_rows where place between ? and ? and old_row is not null)
                         - (select count(*) from segdiff.undo_same_rows(?::regclass, 'old_row', ?, ?))
                    """, row -> row.getLong(1), place, place + SET - 1, table, place, place + SET - 1);
        }
        return differing;
    }
}
