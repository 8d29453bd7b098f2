package dev.segdiff.audit;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.segdiff.audit.AuditUndo.Report;
import dev.segdiff.audit.AuditUndo.Request;
import dev.segdiff.db.Database;
import dev.segdiff.db.TableName;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/** The feature, wired by hand over a test's database. */
final class AuditFixture {
    private static final AuditUndo.Watcher UNWATCHED = (step, rows, ofRows) -> {};

    final AuditTables tables;
    final AuditLog log;
    final AuditUndo undo;

    private final TestDatabase db;

    AuditFixture(TestDatabase db) {
        this.db = db;
        Database database = db.database();
        tables = new AuditTables(database);
        log = new AuditLog(database, new ObjectMapper());
        undo = new AuditUndo(database);
    }

    void enable(String table) {
        tables.enable(TableName.parse(table), false, "tester");
    }

    static AuditFilter all(String table) {
        return filter(table, null, null, null);
    }

    static AuditFilter transaction(String table, long transaction) {
        return filter(table, transaction, null, null);
    }

    static AuditFilter key(String table, String key) {
        return filter(table, null, key, null);
    }

    static AuditFilter since(String table, String since) {
        return filter(table, null, null, since);
    }

    private static AuditFilter filter(
            String table, @Nullable Long transaction, @Nullable String key, @Nullable String since) {
        return new AuditFilter(TableName.parse(table), transaction, null, key, since, null);
    }

    Report undo(AuditFilter filter) {
        return undo(filter, filter.words(), false);
    }

    Report undoWhatCanBe(AuditFilter filter) {
        return undo(filter, filter.words(), true);
    }

    Report redo(String table) {
        long transaction = log.lastUndo(all(table));
        return undo(transaction(table, transaction), AuditLog.UNDO_IN_TRANSACTION + transaction, false);
    }

    Report plan(AuditFilter filter) {
        return plan(filter, false);
    }

    Report plan(AuditFilter filter, boolean skipConflicts) {
        return undo.undo(new Request(filter, filter.words(), "tester", skipConflicts), null, UNWATCHED);
    }

    Report carryOut(Request request, Report plan) {
        return undo.undo(request, plan, UNWATCHED);
    }

    private Report undo(AuditFilter filter, String what, boolean skipConflicts) {
        Request request = new Request(filter, what, "tester", skipConflicts);
        return carryOut(request, undo.undo(request, null, UNWATCHED));
    }

    /** Runs statements in one transaction; its number. */
    long transaction(String... statements) {
        try (Connection connection = db.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (String sql : statements) {
                statement.execute(sql);
            }
            long number = Long.parseLong(
                    TestDatabase.rows(connection, "select pg_current_xact_id()").get(0));
            connection.commit();
            return number;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
