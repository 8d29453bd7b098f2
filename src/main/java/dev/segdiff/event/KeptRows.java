package dev.segdiff.event;

import dev.segdiff.db.Session;
import dev.segdiff.table.TimedTable;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Counts the expired rows that PostgreSQL did not delete, by their cause, so that a person learns the causes and the
 * numbers.
 */
final class KeptRows {
    /** The cause of rows that no foreign key references and nobody has locked: a trigger or a rule keeps them. */
    static final String TRIGGERS = "triggers";

    private final Map<String, Long> byCause = new LinkedHashMap<>();

    void add(Map<String, Long> found) {
        found.forEach((cause, rows) -> {
            if (rows > 0) {
                byCause.merge(cause, rows, Long::sum);
            }
        });
    }

    /** Reports each cause by its name, with the number of rows that it keeps. */
    void tell(PolicyRun run, Session session) {
        TimedTable table = run.table();
        byCause.forEach((cause, rows) -> {
            run.run().counts().add("kept", rows);
            run.problem(": %d expired rows of %s stay: %s"
                    .formatted(rows, table.table().plain(), cause.equals(TRIGGERS) ? triggers(session, table) : cause));
        });
    }

    boolean isEmpty() {
        return byCause.isEmpty();
    }

    private static String triggers(Session session, TimedTable table) {
        return session.one(
                """
                select 'kept by ' || coalesce(string_agg(what, ', ' order by what), 'the table itself')
                from (select 'trigger ' || tgname as what from pg_trigger
                      where tgrelid = to_regclass(?) and not tgisinternal and tgtype & 8 <> 0 and tgtype & 2 <> 0
                      union all
                      select 'rule ' || rulename from pg_rewrite
                      where ev_class = to_regclass(?) and ev_type = '4') causes
                """,
                row -> row.getString(1),
                table.table().toString(),
                table.table().toString());
    }
}
