package dev.segdiff.audit;

import dev.segdiff.audit.AuditUndo.Watcher;
import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import java.util.Optional;

/**
 * Takes the rows of an undo ({@link UndoRows}) back, in one of several ways: straight to their first values, set by
 * set; all together; one by one; or change by change, where the values in between are needed. A statement takes back
 * some thousand rows at most, unless the rows can only be taken back together.
 */
final class UndoWays {
    /** How many rows one statement takes back. It takes some tenths of a second. */
    static final int SET = 5_000;

    private static final String ROWS = "undo_rows";
    private static final String STEPS = "undo_steps";

    private final Session session;
    private final String table;
    private final Watcher watcher;
    private boolean exact;

    UndoWays(Session session, TableName table, Watcher watcher) {
        this.session = session;
        this.table = table.toString();
        this.watcher = watcher;
    }

    /** Whether {@link #straight} has taken back all rows, and each row is known to be exactly as it was before. */
    boolean isExact() {
        return exact;
    }

    /**
     * Takes all rows back straight, which costs the least. If anything is in the way, it returns false and nothing has
     * changed.
     */
    boolean straight() {
        session.update("savepoint straight");
        exact = false;
        long rows = count(ROWS);
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

    /** Takes the rows back in the slower ways. Rows that cannot be taken back in any way become conflicts. */
    void carefully() {
        long rows = count(ROWS);
        long refused = inSets(ROWS, "taking back", false);
        if (refused > SET) {
            watcher.at("taking back together what depends on each other", rows - refused, rows);
            revert(ROWS, 1, rows, false);
            refused = open(ROWS, 1, rows);
        }
        if (refused == 0 || revertAllSteps()) {
            return;
        }
        refused = again(ROWS, "taking back one by one", refused);
        if (refused > 0 && arrangeSteps()) {
            again(STEPS, "taking back change by change", Long.MAX_VALUE);
            keepRefused(STEPS);
        } else if (refused > 0) {
            keepRefused(ROWS);
        }
    }

    /**
     * Takes all remaining rows back change by change, in sets. This is the shorter way if it succeeds for all of them;
     * otherwise it returns false and nothing has changed.
     */
    private boolean revertAllSteps() {
        session.update("savepoint steps");
        boolean gone = arrangeSteps();
        long all = gone ? count(STEPS) : 0;
        for (long place = 1; place <= all && gone; place += SET) {
            watcher.at("taking back change by change", place - 1, all);
            revert(STEPS, place, place + SET - 1, true);
            gone = open(STEPS, place, place + SET - 1) == 0;
        }
        if (!gone) {
            session.update("rollback to savepoint steps");
        }
        return gone;
    }

    /**
     * Tries refused rows again after the others, as long as fewer rows are refused each time. Returns the number of
     * rows that are still refused.
     */
    private long again(String images, String step, long refusedBefore) {
        long refused = refusedBefore;
        long before;
        do {
            before = refused;
            session.update("update %s set blocked = false where blocked".formatted(images));
            refused = inSets(images, step, true);
        } while (refused > 0 && refused < before);
        return refused;
    }

    /** Takes the rows back set by set, and returns the number of rows that are left. */
    private long inSets(String images, String step, boolean divide) {
        long all = count(images);
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
        session.call(
                "select segdiff.undo_range(?::regclass, ?, ?, ?, current_setting('search_path'), ?)",
                table,
                images,
                from,
                to,
                divide);
    }

    private long count(String images) {
        return session.one("select count(*) from " + images, row -> row.getLong(1));
    }

    private long open(String images, long from, long to) {
        return session.one(
                "select count(*) from %s where place between ? and ? and not done".formatted(images),
                row -> row.getLong(1),
                from,
                to);
    }

    /**
     * Lists the single changes of the remaining rows, in the reverse order of how PostgreSQL made them. They are needed
     * for rows that have exchanged their values by way of a third value. Returns false if each of these rows was
     * changed only once, as then there are no values in between.
     */
    private boolean arrangeSteps() {
        session.update("""
                create temporary table undo_steps on commit drop as
                select row_number() over (order by c.audit_id desc) as place, r.place as row_place,
                    c.key, c.audit_id as first_id, c.audit_id as last_id,
                    case when c.old_row is null then 'delete'
                        when c.new_row is null then 'insert'
                        else 'update' end as kind,
                    c.old_row, c.as_text as old_as_text, c.new_row, c.as_text as new_as_text,
                    false as done, false as blocked, null::text as reason
                from undo_changes c join undo_rows r on r.key = c.key where not r.done
                order by 1;
                create unique index on undo_steps (place);
                create index on undo_steps (row_place);
                analyze undo_steps (place, row_place)
                """);
        return session.one("select count(*) > count(distinct row_place) from undo_steps", row -> row.getBoolean(1));
    }

    private void keepRefused(String images) {
        session.update("""
                insert into undo_conflicts select last_id, reason from %s where not done and reason is not null
                """.formatted(images));
    }
}
