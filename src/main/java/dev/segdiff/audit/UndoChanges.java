package dev.segdiff.audit;

import dev.segdiff.audit.AuditUndo.Change;
import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The changes that one undo takes back, in the temporary table {@code undo_changes} of its transaction. The log is read
 * only once, and the changes stay in the server, however many they are.
 */
final class UndoChanges {
    private final Session session;
    private final String table;

    UndoChanges(Session session, TableName table) {
        this.session = session;
        this.table = table.toString();
        session.update("""
                create temporary table undo_changes (
                    audit_id bigint not null, changed_at timestamptz not null, operation text not null,
                    key jsonb not null, moved_key jsonb, old_row jsonb, new_row jsonb, as_text text[])
                on commit drop
                """);
    }

    /**
     * Selects the changes of a filter. A change of a key is recorded as a deletion and an insertion; if one of the two
     * is selected, the other is, too.
     */
    void mean(AuditFilter filter) {
        session.update("""
                with meant as (
                    select l.audit_id, l.changed_at, l.statement_id, l.operation,
                        l.key, l.moved_key, l.old_row, l.new_row, l.as_text
                    from segdiff.audit_log l
                    where l.relation = to_regclass(?) and %s)
                insert into undo_changes
                select m.audit_id, m.changed_at, m.operation, m.key, m.moved_key, m.old_row, m.new_row, m.as_text
                from meant m
                union all
                select distinct on (l.audit_id) l.audit_id, l.changed_at, l.operation,
                    l.key, l.moved_key, l.old_row, l.new_row, l.as_text
                from meant m join segdiff.audit_log l on l.relation = to_regclass(?) and l.statement_id = m.statement_id
                    and l.key = m.moved_key and l.moved_key = m.key
                where m.moved_key is not null and l.audit_id not in (select audit_id from meant)
                """.formatted(AuditFilter.CONDITION), filter.binds(List.of(table), List.of(table)));
        finish();
    }

    /** Selects exactly these changes, given as {@link #ids} returns them. */
    void mean(String ids) {
        session.update("""
                insert into undo_changes
                select l.audit_id, l.changed_at, l.operation, l.key, l.moved_key, l.old_row, l.new_row, l.as_text
                from segdiff.audit_log l
                where l.relation = to_regclass(?)
                  and l.audit_id between lower(?::int8multirange) and upper(?::int8multirange)
                  and l.audit_id <@ ?::int8multirange
                """, table, ids, ids, ids);
        finish();
    }

    private void finish() {
        session.update("create unique index on undo_changes (audit_id); analyze undo_changes (audit_id, operation)");
    }

    /**
     * The numbers of the changes, as PostgreSQL writes ranges. This is short, because the changes of one statement have
     * consecutive numbers.
     */
    String ids() {
        return ids(session, "undo_changes");
    }

    /** The numbers of the changes that a temporary table of this transaction lists. */
    static String ids(Session session, String list) {
        return session.one(
                "select coalesce(range_agg(int8range(audit_id, audit_id, '[]')), '{}') from " + list,
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

    /** The newest changes, in the order in which they are taken back. */
    List<Change> newest(int most) {
        return session.list(
                "select audit_id, operation, key, moved_key from undo_changes order by audit_id desc limit ?",
                row -> new Change(row.getLong(1), row.getString(2), row.getString(3), row.getString(4)),
                most);
    }

    /**
     * The columns that held values and were dropped since. Today's columns are removed from each row first, which
     * leaves nothing of most rows.
     */
    List<String> lostColumns() {
        return session.list("""
                select distinct o.key
                from (select array_agg(a.attname::text) as names from pg_attribute a
                      where a.attrelid = to_regclass(?) and a.attnum > 0 and not a.attisdropped) today
                cross join undo_changes c cross join jsonb_each(c.old_row - today.names) o
                where o.value <> 'null' and o.value is distinct from c.new_row -> o.key
                order by 1
                """, row -> row.getString(1), table);
    }

    /**
     * Leaves the rows to which these changes belong out of the undo, with all their changes. A row whose primary key
     * was changed is followed from key to key.
     */
    void leaveOut(String ids) {
        session.update("""
                with recursive gone (key) as (
                    select c.key from undo_changes c where c.audit_id <@ ?::int8multirange
                    union
                    select c.key from gone g join undo_changes c on c.moved_key = g.key)
                delete from undo_changes c using gone g where c.key = g.key
                """, ids);
    }
}
