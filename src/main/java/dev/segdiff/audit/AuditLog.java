package dev.segdiff.audit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.segdiff.db.Database;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Session;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the recorded changes of audited tables. */
@ApplicationScoped
public class AuditLog {
    /** The words with which the log names the undo that a redo takes back; the number of its transaction follows. */
    public static final String UNDO_IN_TRANSACTION = "undo in transaction ";

    private final Database database;
    private final ObjectMapper json;

    public AuditLog(Database database, ObjectMapper json) {
        this.database = database;
        this.json = json;
    }

    /**
     * The changes that a filter selects, the newest first.
     *
     * @throws InvalidInputException if the table was never audited, or a value of the filter cannot be read
     */
    public List<AuditEntry> read(AuditFilter filter, int limit) {
        return AuditFilter.reading(() -> database.transaction(session -> {
            checkKnown(session, filter);
            return session.list(
                    """
                    select l.*, coalesce((select r.as_text from segdiff.audit_log r
                                          where r.relation = l.relation and r.audit_id = l.audit_id), '{}') as as_text
                    from segdiff.audit_history l where %s order by l.audit_id desc limit ?
                    """.formatted(AuditFilter.CONDITION), this::entry, filter.binds(List.of(), List.of(limit)));
        }));
    }

    /** The number of the transaction of the newest undo that has not been redone. */
    public long lastUndo(AuditFilter filter) {
        return database.transaction(session -> session.first(
                        """
                        with undone as materialized (
                            select l.relation, l.transaction_id, max(l.audit_id) as newest from segdiff.audit_log l
                            where l.undoes is not null and not starts_with(l.undoes, ?) and %s
                            group by l.relation, l.transaction_id),
                        redone as materialized (
                            select distinct l.relation, l.undoes from segdiff.audit_log l
                            where l.relation in (select relation from undone) and l.undoes is not null)
                        select u.transaction_id from undone u
                        where not exists (select from redone r
                                          where r.relation = u.relation and r.undoes = ? || u.transaction_id)
                        order by u.newest desc limit 1
                        """.formatted(AuditFilter.CONDITION),
                        row -> row.getLong(1),
                        filter.binds(List.of(UNDO_IN_TRANSACTION), List.of(UNDO_IN_TRANSACTION))))
                .orElseThrow(() -> new InvalidInputException(
                        "nothing to redo: no undo of " + filter.table().plain() + " is recorded"));
    }

    static void checkKnown(Session session, AuditFilter filter) {
        boolean known = session.one(
                """
                select exists (select from segdiff.audited_tables a where a.relation = to_regclass(?))
                    or exists (select from segdiff.audit_log l
                               where l.relation = to_regclass(?)
                                  or (to_regclass(?) is null and parse_ident(l.table_name) = array[?::text, ?::text]))
                """,
                row -> row.getBoolean(1),
                filter.table().toString(),
                filter.table().toString(),
                filter.table().toString(),
                filter.table().schema(),
                filter.table().name());
        if (!known) {
            throw new InvalidInputException("table " + filter.table().plain()
                    + " is not audited; see `segdiff audit list`, or begin with `segdiff audit enable "
                    + filter.table().plain() + "`");
        }
    }

    private AuditEntry entry(ResultSet row) throws SQLException {
        return new AuditEntry(
                row.getLong("audit_id"),
                row.getObject("changed_at", OffsetDateTime.class),
                row.getString("table_name"),
                row.getString("operation"),
                parse(row.getString("key")),
                List.of((String[]) row.getArray("changed").getArray()),
                List.of((String[]) row.getArray("as_text").getArray()),
                parseIfAny(row.getString("old_row")),
                parseIfAny(row.getString("new_row")),
                row.getLong("transaction_id"),
                row.getString("who"),
                row.getString("role"),
                row.getString("application"),
                row.getObject("run_id", Long.class),
                row.getString("undoes"));
    }

    private @Nullable JsonNode parseIfAny(@Nullable String text) {
        return text == null ? null : parse(text);
    }

    /** Reads JSON, and keeps numbers digit by digit as they are written. */
    private JsonNode parse(String text) {
        try {
            return json.reader()
                    .with(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                    .with(JsonNodeFactory.withExactBigDecimals(true))
                    .readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
