package dev.segdiff.audit;

import dev.segdiff.audit.AuditUndo.Change;
import dev.segdiff.audit.AuditUndo.Conflict;
import dev.segdiff.audit.AuditUndo.Watcher;
import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What one undo takes back, in temporary tables of its transaction: {@code undo_changes}, the changes that are meant, and
 * {@code undo_rows}, what they come to row by row, the one that was changed last first. However many there are, they stay
 * in the server, and no statement is about more than some thousand rows, unless these can only go together.
 */
final class UndoRows {
    /** A statement's worth: some tenths of a second. */
    private static final int SET = 5_000;

    /** From here on, to try change by change would take too long. */
    private static final int MOST_STEPS = 10_000;

    private final Session session;
    private final String table;
    private final Watcher watcher;
    private long rows;

    UndoRows(Session session, TableName table, Watcher watcher) {
        this.session = session;
        this.table = table.toString();
        this.watcher = watcher;
        session.update("""
                create temporary table undo_changes (audit_id bigint not null, changed_at timestamptz not null,
                    operation text not null, key jsonb not null, moved_key jsonb) on commit drop
                """);
    }

    /** A row whose key was moved is meant as a whole. */
    void mean(AuditFilter filter) {
        session.update("""
                with meant as (
                    select l.audit_id, l.changed_at, l.statement_id, l.operation, l.key, l.moved_key from segdiff.audit_log l
                    where l.relation = to_regclass(?) and %s)
                insert into undo_changes
                select m.audit_id, m.changed_at, m.operation, m.key, m.moved_key from meant m
                union all
                select distinct on (l.audit_id) l.audit_id, l.changed_at, l.operation, l.key, l.moved_key
                from meant m join segdiff.audit_log l on l.relation = to_regclass(?) and l.statement_id = m.statement_id
                    and l.key = m.moved_key and l.moved_key = m.key
                where m.moved_key is not null and l.audit_id not in (select audit_id from meant)
                """.formatted(AuditFilter.CONDITION), filter.binds(List.of(table), List.of(table)));
        session.update("analyze undo_changes");
    }

    /** These changes and no others: {@link #ids}. */
    void mean(String ids) {
        session.update("""
                insert into undo_changes
                select l.audit_id, l.changed_at, l.operation, l.key, l.moved_key from segdiff.audit_log l
                where l.relation = to_regclass(?) and l.audit_id between lower(?::int8multirange) and upper(?::int8multirange)
                  and l.audit_id <@ ?::int8multirange
                """, table, ids, ids, ids);
        session.update("analyze undo_changes");
    }

    /** As PostgreSQL writes ranges, which is short: the changes of a statement have numbers that follow each other. */
    String ids() {
        return session.one(
                "select coalesce(range_agg(int8range(audit_id, audit_id, '[]')), '{}') from undo_changes",
                row -> row.getString(1));
    }

    Map<String, Long> operations() {
        return session
                .list(
                        "select operation, count(*) from undo_changes group by operation",
                        row -> Map.entry(row.getString(1), row.getLong(2)))
                .stream()
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    /** In the order in which they are taken back. */
    List<Change> newest(int most) {
        return session.list(
                "select audit_id, operation, key, moved_key from undo_changes order by audit_id desc limit ?",
                row -> new Change(row.getLong(1), row.getString(2), row.getString(3), row.getString(4)),
                most);
    }

    List<String> lostColumns() {
        return session.list("""
                select distinct o.key from undo_changes u
                join segdiff.audit_log l on l.relation = to_regclass(?) and l.audit_id = u.audit_id
                cross join jsonb_each(l.old_row) o
                where o.key <> all (array(select a.attname::text from pg_attribute a
                                          where a.attrelid = to_regclass(?) and a.attnum > 0 and not a.attisdropped))
                  and o.value <> 'null' and o.value is distinct from l.new_row -> o.key
                order by 1
                """, row -> row.getString(1), table, table);
    }

    /** Works out what the changes come to. */
    void arrange() {
        session.update("""
                create temporary table undo_rows on commit drop as
                select row_number() over (order by last_id desc) as place, r.*, false as done, null::text as reason
                from (select key, min(audit_id) as first_id, max(audit_id) as last_id, min(changed_at) as since, max(changed_at) as until
                      from undo_changes group by key) r
                """);
        session.update(
                "create temporary table undo_conflicts (audit_id bigint not null, reason text not null) on commit drop");
        handOver();
        session.update("analyze undo_rows");
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
                    join segdiff.audit_log came on came.relation = to_regclass(?) and came.audit_id = s.audit_id
                    join segdiff.audit_log went on went.relation = to_regclass(?) and went.audit_id = s.next_id
                    where s.operation = 'INSERT' and s.next_operation = 'DELETE' and s.moved_key is not null
                      and s.next_moved_key is not null and came.new_row <> went.old_row
                    group by s.key)
                update undo_rows r set first_id = case r.first_id when h.came_first then h.went_first else r.first_id end,
                    last_id = case r.last_id when h.went_last then h.came_last else r.last_id end
                from handed_on h where h.key = r.key
                """, table, table);
    }

    /** Finds rows that were changed again by what is not meant, and those that are not as the audit knows them. */
    void check() {
        long changedAgain = session.update("""
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
        for (long place = 1; place <= rows && changedAgain == 0; place += SET) {
            watcher.at("looking at rows", place - 1, rows);
            session.update("""
                    with part as materialized (
                        select array_agg(last_id) as ids, min(since) as since, max(until) as until
                        from undo_rows where place between ? and ?),
                    same as materialized (
                        select s.id from part p
                        cross join segdiff.rows_that_are(?::regclass, 'new_row', p.ids, p.since, p.until) s (id))
                    insert into undo_conflicts
                    select l.audit_id, 'not as the audit knows it' from part p
                    cross join unnest(p.ids) u (id)
                    join segdiff.audit_log l on l.relation = to_regclass(?) and l.audit_id = u.id
                        and l.changed_at between p.since and p.until
                    where l.new_row is not null and l.audit_id not in (select id from same)
                    """, place, place + SET - 1, table, table);
        }
    }

    /** Takes the rows back; what cannot be is a conflict. */
    void revert() {
        long refused = inSets(false);
        if (refused > SET) {
            watcher.at("taking back together what depends on each other", rows - refused, rows);
            refused = revert(1, rows, false);
        }
        if (refused > 0) {
            long before;
            do {
                before = refused;
                refused = inSets(true);
            } while (refused > 0 && refused < before);
        }
        if (refused > 0) {
            stepwise();
        }
    }

    /** The number of rows that are left. */
    private long inSets(boolean divide) {
        long left = 0;
        for (long place = 1; place <= rows; place += SET) {
            left += revert(place, place + SET - 1, divide);
            watcher.at("taking back", Math.min(rows, place + SET - 1), rows);
        }
        return left;
    }

    private long revert(long from, long to, boolean divide) {
        session.update("""
                with part as materialized (
                    select array_agg(first_id order by place) as firsts, array_agg(last_id order by place) as lasts,
                        min(since) as since, max(until) as until
                    from undo_rows where place between ? and ? and not done),
                refused as materialized (
                    select r.* from part p cross join segdiff.try_to_revert(?::regclass, p.firsts, p.lasts, p.since, p.until,
                                                                            current_setting('search_path'), ?) r
                    where p.firsts is not null)
                update undo_rows u set done = r.last_id is null, reason = r.reason
                from undo_rows o left join refused r on r.last_id = o.last_id
                where u.place = o.place and o.place between ? and ? and not o.done
                """, from, to, table, divide, from, to);
        return session.one(
                "select count(*) from undo_rows where place between ? and ? and not done",
                row -> row.getLong(1),
                from,
                to);
    }

    private void stepwise() {
        session.update("""
                with part as materialized (
                    select array_agg(c.audit_id) as ids, min(c.changed_at) as since, max(c.changed_at) as until, count(*) as steps
                    from undo_changes c join undo_rows r on r.key = c.key where not r.done)
                insert into undo_conflicts
                select r.audit_id, r.reason from part p
                cross join segdiff.revert_stepwise(?::regclass, p.ids, p.since, p.until, current_setting('search_path')) r
                where p.steps <= ?
                union all
                select r.last_id, r.reason from part p cross join undo_rows r where not r.done and p.steps > ?
                """, table, MOST_STEPS, MOST_STEPS);
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

    /** All changes of these rows are no longer meant, also under the keys that they had before or after. */
    void leaveOut(String ids) {
        session.update("""
                with recursive gone (key) as (
                    select c.key from undo_changes c where c.audit_id <@ ?::int8multirange
                    union
                    select c.key from gone g join undo_changes c on c.moved_key = g.key)
                delete from undo_changes c using gone g where c.key = g.key
                """, ids);
    }

    /** Rows that are not as they were before, although they were taken back: triggers of the table have a say, too. */
    long differing() {
        long differing = 0;
        for (long place = 1; place <= rows; place += SET) {
            watcher.at("comparing", place - 1, rows);
            differing += session.one("""
                    with part as materialized (
                        select array_agg(first_id) as ids, min(since) as since, max(until) as until
                        from undo_rows where place between ? and ?)
                    select (select count(*) from part p cross join unnest(p.ids) u (id)
                            join segdiff.audit_log l on l.relation = to_regclass(?) and l.audit_id = u.id
                                and l.changed_at between p.since and p.until
                            where l.old_row is not null)
                         - (select count(*) from part p
                            cross join segdiff.rows_that_are(?::regclass, 'old_row', p.ids, p.since, p.until))
                    """, row -> row.getLong(1), place, place + SET - 1, table, table);
        }
        return differing;
    }
}
