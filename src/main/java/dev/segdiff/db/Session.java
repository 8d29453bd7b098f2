package dev.segdiff.db;

import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * Runs statements in one transaction. Values are bound, and never concatenated into the SQL. Several statements,
 * separated by semicolons, go in one round trip; the result is that of the last one.
 */
public final class Session {
    /** Reads the row on which the cursor of the result stands. */
    @FunctionalInterface
    public interface RowReader<T extends @Nullable Object> {
        T read(ResultSet row) throws SQLException;
    }

    /** Receives each row of a stream. */
    @FunctionalInterface
    public interface RowConsumer {
        void accept(ResultSet row) throws SQLException, IOException;
    }

    @FunctionalInterface
    private interface Action<T> {
        T run(LastResult last) throws SQLException;
    }

    /** The result of the last of several statements: rows, or the number of changed rows. */
    private record LastResult(@Nullable ResultSet rows, long count) {
        static LastResult of(PreparedStatement statement) throws SQLException {
            LastResult last = new LastResult(null, 0);
            boolean hasRows = statement.execute();
            while (hasRows || statement.getLargeUpdateCount() >= 0) {
                last = hasRows
                        ? new LastResult(statement.getResultSet(), 0)
                        : new LastResult(null, statement.getLargeUpdateCount());
                hasRows = statement.getMoreResults(Statement.KEEP_CURRENT_RESULT);
            }
            return last;
        }
    }

    /**
     * The time within which the error of a session that has ended arrives. An error that arrives later comes from a
     * session that has begun the statement.
     */
    private static final Duration AT_ONCE = Duration.ofSeconds(1);

    private final Connection connection;
    private final Cancellation cancellation;
    private @Nullable Settings pendingSettings;
    private boolean rollBackAtEnd;
    private boolean answered;
    private boolean hadEnded;

    /** A session whose settings are sent together with the first statement, which saves a round trip. */
    Session(Connection connection, Cancellation cancellation, @Nullable Settings settings) {
        this.connection = connection;
        this.cancellation = cancellation;
        this.pendingSettings = settings;
    }

    /** Asks for a rollback of this transaction when its work returns. */
    public void rollBackAtEnd() {
        rollBackAtEnd = true;
    }

    /** Whether the first statement has shown that the session had ended before, so that nothing was done. */
    boolean hadEnded() {
        return hadEnded;
    }

    boolean isRolledBackAtEnd() {
        return rollBackAtEnd;
    }

    public <T> List<T> list(String sql, RowReader<T> reader, @Nullable Object... binds) {
        return execute(sql, binds, last -> {
            List<T> rows = new ArrayList<>();
            while (last.rows() != null && last.rows().next()) {
                rows.add(reader.read(last.rows()));
            }
            return rows;
        });
    }

    /** The first row of a query; empty if there is none. */
    public <T> Optional<T> first(String sql, RowReader<T> reader, @Nullable Object... binds) {
        List<T> rows = list(sql, reader, binds);
        return rows.isEmpty() ? Optional.empty() : Optional.of(rows.get(0));
    }

    /** The only row of a query that always has one. */
    public <T> T one(String sql, RowReader<T> reader, @Nullable Object... binds) {
        return first(sql, reader, binds)
                .orElseThrow(() -> new IllegalStateException("expected a row, got none: " + sql));
    }

    /** Calls a function without reading its result. */
    public void call(String sql, @Nullable Object... binds) {
        list(sql, row -> row, binds);
    }

    /** Runs a statement, and returns the number of rows that it has changed. */
    public long update(String sql, @Nullable Object... binds) {
        return execute(sql, binds, LastResult::count);
    }

    /**
     * Whether a pooler is in between, so that the next transaction may run in another session of the server. A pooler
     * tells its clients another process number at login than the server's own, so the two numbers differ.
     */
    public boolean isPooled() {
        int pid = one("select pg_backend_pid()", row -> row.getInt(1));
        try {
            return pid != connection.unwrap(PGConnection.class).getBackendPID();
        } catch (SQLException e) {
            throw new DatabaseException(e);
        }
    }

    /**
     * Forgets prepared statements and the search path. It must be called after code of other roles has run in this
     * transaction, before any other statement. That code may have changed where names are looked up. It may also have
     * put a statement of its own under the name of one that the driver has prepared, such as the driver's COMMIT. The
     * statement of this method has no name, and afterwards the driver prepares its statements again.
     */
    public void forgetOthersCode() {
        try (Statement statement = connection.createStatement()) {
            statement.execute("set local search_path = pg_catalog, pg_temp; deallocate all");
        } catch (SQLException e) {
            throw failure(e);
        }
    }

    /**
     * Resets the session. It must be called at the end of a transaction in which code of other roles has run, so that
     * nothing of that code stays in the session for the next transaction.
     */
    public void forgetOthersSettings() {
        try (Statement statement = connection.createStatement()) {
            statement.execute("select pg_advisory_unlock_all(); unlisten *; discard temp; reset all");
        } catch (SQLException e) {
            throw failure(e);
        }
    }

    /** Reads rows as a stream. The memory does not grow with the number of rows. */
    public void stream(String sql, RowConsumer consumer, @Nullable Object... binds) throws IOException {
        applySettings();
        try (PreparedStatement statement = prepare(sql, binds)) {
            // The driver fetches rows in portions of this size, and not all at once. It does so only for single
            // statements.
            statement.setFetchSize(10_000);
            cancellation.enter(statement);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    consumer.accept(row);
                }
            } finally {
                cancellation.leave(statement);
            }
        } catch (SQLException e) {
            throw failure(e);
        }
    }

    /** Starts {@code copy ... from stdin}; the caller ends or cancels it. */
    public CopyIn copyIn(String sql) {
        applySettings();
        try {
            return connection.unwrap(PGConnection.class).getCopyAPI().copyIn(sql);
        } catch (SQLException e) {
            throw new DatabaseException(e);
        }
    }

    /**
     * Does work that waits for locks. On a lock timeout it undoes only this work, waits, and tries the work again. What
     * the transaction has done before stays.
     */
    public void retryOnLockTimeout(Retry retry, Runnable work) {
        retry.run(cancellation, DatabaseException::isLockTimeout, () -> {
            update("savepoint before_lock");
            try {
                work.run();
            } catch (DatabaseException e) {
                if (!e.isLostConnection()) {
                    update("rollback to savepoint before_lock");
                }
                throw e;
            }
            return 0;
        });
    }

    private <T> T execute(String sql, @Nullable Object[] binds, Action<T> action) {
        Settings settings = pendingSettings;
        pendingSettings = null;
        String text = settings == null ? sql : settings.sql(server()) + "; " + sql;
        @Nullable Object[] values = settings == null ? binds : Settings.concat(settings.binds(), binds);
        long began = System.nanoTime();
        try (PreparedStatement statement = prepare(text, values)) {
            cancellation.enter(statement);
            try {
                LastResult last = LastResult.of(statement);
                answered = true;
                return action.run(last);
            } finally {
                cancellation.leave(statement);
            }
        } catch (SQLException e) {
            RuntimeException failure = failure(e);
            hadEnded = !answered
                    && failure instanceof DatabaseException lost
                    && lost.isSilentEnd()
                    && System.nanoTime() - began < AT_ONCE.toNanos();
            throw failure;
        }
    }

    private void applySettings() {
        if (pendingSettings != null) {
            call("select 1");
        }
    }

    private Server server() {
        try {
            return Server.of(connection);
        } catch (SQLException e) {
            throw failure(e);
        }
    }

    private PreparedStatement prepare(String sql, @Nullable Object[] binds) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        for (int i = 0; i < binds.length; i++) {
            statement.setObject(i + 1, binds[i]);
        }
        return statement;
    }

    private RuntimeException failure(SQLException e) {
        DatabaseException failure = new DatabaseException(e);
        String reason = cancellation.reason();
        return failure.isCancelled() && reason != null ? new CancelledException(reason) : failure;
    }
}
