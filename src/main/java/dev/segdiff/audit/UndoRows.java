package dev.segdiff.audit;

import dev.segdiff.audit.AuditUndo.Conflict;
import dev.segdiff.audit.AuditUndo.Watcher;
import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import java.util.List;

/**
 * The rows that an undo takes back, in the temporary table {@code undo_rows}. Each row sums up all its selected changes
 * ({@link UndoChanges}). The row that was changed last comes first.
 */
final class UndoRows {
    private static final int SET = UndoWays.SET;

    private final Session session;
    private final String table;
    private final Watcher watcher;
    private long rows;

    UndoRows(Session session, TableName table, Watcher watcher) {
        this.session = session;
        this.table = table.toString();
        this.watcher = watcher;
    }

    /** Computes for each row the values to take it back from and to. */
    void arrange() {
        watcher.at("working out what changed", 0, 0);
        session.update("""
                create temporary table undo_keys on commit drop as
                select key, min(audit_id) as first_id, max(audit_id) as last_id from undo_changes group by key;
                create temporary table undo_conflicts (audit_id bigint not null, reason text not null) on commit drop
                """);
        handOver();
        session.update("""
                create temporary table undo_rows on commit drop as
                select row_number() over (order by k.last_id desc) as place,
                    row_number() over (order by k.last_id desc) as row_place,
                    k.key, k.first_id, k.last_id,
                    case when first.old_row is null then 'delete'
                        when last.new_row is null then 'insert'
                        else 'update' end as kind,
                    first.old_row, first.as_text as old_as_text, last.new_row, last.as_text as new_as_text,
                    first.old_row is null and last.new_row is null as done, false as blocked, null::text as reason
                from undo_keys k
                join undo_changes first on first.audit_id = k.first_id
                join undo_changes last on last.audit_id = k.last_id
                order by 1;
                create unique index on undo_rows (place);
                drop table undo_keys;
                analyze undo_rows (place, first_id)
                """);
        rows = session.one("select count(*) from undo_rows", row -> row.getLong(1));
    }

    /**
     * Corrects keys that one statement has handed on from one row to another. Example: {@code update t set id = id + 1}
     * moves the row with key 1 to key 2, and the row with key 2 to key 3. PostgreSQL may move the first row first. Then
     * the log of key 2 has the insertion (of the row that came) before the deletion (of the row that left). So the row
     * that left counts as the first value of the key, and the row that came counts as its last value.
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
                    join undo_changes came on came.audit_id = s.audit_id
                    join undo_changes went on went.audit_id = s.next_id
                    where s.operation = 'INSERT' and s.next_operation = 'DELETE' and s.moved_key is not null
                      and s.next_moved_key is not null and came.new_row <> went.old_row
                    group by s.key)
                update undo_keys k
                set first_id = case k.first_id when h.came_first then h.went_first else k.first_id end,
                    last_id = case k.last_id when h.went_last then h.came_last else k.last_id end
                from handed_on h where h.key = k.key
                """);
    }

    /** Finds conflicts: rows that were changed again by changes that are not selected. */
    void checkLaterChanges() {
        // There are no statistics about the keys, and a nested loop over many keys would take far too long.
        session.update("""
                set local enable_nestloop = off;
                with others as (
                    select l.audit_id, r.key from undo_rows r
                    join segdiff.audit_log l
                        on l.relation = to_regclass(?) and l.key = r.key and l.audit_id > r.first_id
                    where l.audit_id > (select min(first_id) from undo_rows)
                      and not exists (select from undo_changes c where c.audit_id = l.audit_id)),
                story as (
                    select s.audit_id, s.meant, lead(s.audit_id) over w as later, lead(s.meant) over w as later_meant
                    from (select o.audit_id, o.key, false as meant from others o
                          union all
                          select c.audit_id, c.key, true from undo_changes c
                          where c.key in (select o.key from others o)) s
                    window w as (partition by s.key order by s.audit_id))
                insert into undo_conflicts
                select s.audit_id, format('changed again by %s in transaction %s%s',
                                          coalesce(l.actor, l.role), l.transaction_id,
                                          ' (undo of ' || l.undoes || ')')
                from story s join segdiff.audit_log l on l.relation = to_regclass(?) and l.audit_id = s.later
                where s.meant and not s.later_meant;
                set local enable_nestloop = on
                """, table, table);
    }

    /** Finds conflicts: rows whose present values are not those that the audit has recorded last. */
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

    /** Finds conflicts with deferred constraints, which PostgreSQL would check only at the end of the transaction. */
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
                from undo_conflicts c
                join segdiff.audit_log l on l.relation = to_regclass(?) and l.audit_id = c.audit_id
                order by l.audit_id desc limit ?
                """,
                row -> new Conflict(row.getString(1), row.getString(2), row.getLong(3), row.getString(4)),
                table,
                most);
    }

    String conflictIds() {
        return UndoChanges.ids(session, "undo_conflicts");
    }

    /**
     * The number of rows that are not as they were before, although they were taken back, because triggers of the table
     * have changed them.
     */
    long differing() {
        long differing = 0;
        for (long place = 1; place <= rows; place += SET) {
            watcher.at("comparing", place - 1, rows);
            differing += session.one("""
                    select (select count(*) from undo_rows where place between ? and ? and old_row is not null)
                         - (select count(*) from segdiff.undo_same_rows(?::regclass, 'old_row', ?, ?))
                    """, row -> row.getLong(1), place, place + SET - 1, table, place, place + SET - 1);
        }
        return differing;
    }
}
