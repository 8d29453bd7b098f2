package dev.segdiff.audit;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Session;
import dev.segdiff.db.TableName;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Starts and ends the audit of tables, and lists the audited tables. */
@ApplicationScoped
public class AuditTables {
    /**
     * An audited table.
     *
     * @param table the table; null if it was dropped
     * @param lastChange when the newest change was recorded; null: none yet
     */
    @RegisterForReflection
    public record Audited(
            @Nullable TableName table,
            boolean bestEffort,
            OffsetDateTime enabledAt,
            String enabledBy,
            long changes,
            @Nullable OffsetDateTime lastChange) {}

    private final Database database;

    public AuditTables(Database database) {
        this.database = database;
    }

    /**
     * Records the changes of a table from now on.
     *
     * @param bestEffort whether a change that cannot be recorded is made nevertheless, with a warning
     * @throws InvalidInputException if the table does not exist or has no primary key
     */
    public void enable(TableName table, boolean bestEffort, String who) {
        checked(session -> session.list(
                "select segdiff.enable_audit(?::regclass, ?, ?)", row -> row, table.toString(), bestEffort, who));
    }

    /** Ends the audit of a table. The recorded changes stay. Returns false if the table was not audited. */
    public boolean disable(TableName table) {
        return checked(session ->
                session.one("select segdiff.disable_audit(?::regclass)", row -> row.getBoolean(1), table.toString()));
    }

    public List<Audited> list() {
        return database.transaction(session -> session.list(
                """
                select n.nspname, c.relname, a.best_effort, a.enabled_at, a.enabled_by, l.changes, l.last_change
                from segdiff.audited_tables a
                left join pg_class c on c.oid = a.relation
                left join pg_namespace n on n.oid = c.relnamespace
                cross join lateral (select count(*) as changes, max(l.changed_at) as last_change
                                    from segdiff.audit_log l where l.relation = a.relation) l
                order by n.nspname, c.relname
                """,
                row -> new Audited(
                        row.getString("relname") == null
                                ? null
                                : new TableName(row.getString("nspname"), row.getString("relname")),
                        row.getBoolean("best_effort"),
                        row.getObject("enabled_at", OffsetDateTime.class),
                        row.getString("enabled_by"),
                        row.getLong("changes"),
                        row.getObject("last_change", OffsetDateTime.class))));
    }

    private <T> T checked(Function<Session, T> work) {
        try {
            return database.transaction(work);
        } catch (DatabaseException e) {
            // SQL states of class 42: the name, the kind of relation or the key are wrong.
            if (e.sqlState().startsWith("42") && !e.sqlState().equals("42501")) {
                throw new InvalidInputException(String.valueOf(e.getMessage()));
            }
            throw e;
        }
    }
}
