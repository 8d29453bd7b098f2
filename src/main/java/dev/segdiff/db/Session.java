package dev.segdiff.db;

import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/** Statements within one transaction. Values are bound, never concatenated. */
public final class Session {
    /** Reads a row; the cursor stands on it. */
    @FunctionalInterface
    public interface RowReader<T extends @Nullable Object> {
        T read(ResultSet row) throws SQLException;
    }

    /** Takes a row of a stream. */
    @FunctionalInterface
    public interface RowConsumer {
        void accept(ResultSet row) throws SQLException, IOException;
    }

    @FunctionalInterface
    private interface Action<T> {
        T run(PreparedStatement statement) throws SQLException;
    }

    private final Connection connection;
    private final Cancellation cancellation;
    private boolean rollBackAtEnd;

    Session(Connection connection, Cancellation cancellation) {
        this.connection = connection;
        this.cancellation = cancellation;
    }

    /** Whatever this transaction has done is undone when its work returns. */
    public void rollBackAtEnd() {
        rollBackAtEnd = true;
    }

    boolean isRolledBackAtEnd() {
        return rollBackAtEnd;
    }

    public <T> List<T> list(String sql, RowReader<T> reader, @Nullable Object... binds) {
        return execute(sql, binds, statement -> {
            List<T> rows = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    rows.add(reader.read(row));
                }
            }
            return rows;
        });
    }

    /** The first row, if there is one. */
    public <T> Optional<T> first(String sql, RowReader<T> reader, @Nullable Object... binds) {
        List<T> rows = list(sql, reader, binds);
        return rows.isEmpty() ? Optional.empty() : Optional.of(rows.get(0));
    }

    /** The only row of a query that always has one. */
    public <T> T one(String sql, RowReader<T> reader, @Nullable Object... binds) {
        return first(sql, reader, binds)
                .orElseThrow(() -> new IllegalStateException("expected a row, got none: " + sql));
    }

    /** Runs one statement, or several separated by semicolons in one round trip, and returns the first one's row count. */
    public long update(String sql, @Nullable Object... binds) {
        return execute(sql, binds, statement -> {
            statement.execute();
            return Math.max(0, statement.getLargeUpdateCount());
        });
    }

    /** Streams rows in constant memory. */
    public void stream(String sql, RowConsumer consumer, @Nullable Object... binds) throws IOException {
        IOException[] failure = new IOException[1];
        execute(sql, binds, statement -> {
            // Rows come in portions of this many, not all at once.
            statement.setFetchSize(10_000);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    consumer.accept(row);
                }
            } catch (IOException e) {
                failure[0] = e;
            }
            return 0;
        });
        if (failure[0] != null) {
            throw failure[0];
        }
    }

    /** Starts {@code copy ... from stdin}; the caller ends or cancels it. */
    public CopyIn copyIn(String sql) {
        try {
            return connection.unwrap(PGConnection.class).getCopyAPI().copyIn(sql);
        } catch (SQLException e) {
            throw new DatabaseException(e);
        }
    }

    /**
     * Does work that waits for locks, and on a lock timeout undoes only that, waits and tries again: what the
     * transaction has done before stays.
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
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < binds.length; i++) {
                statement.setObject(i + 1, binds[i]);
            }
            return whileCancellable(statement, () -> action.run(statement));
        } catch (SQLException e) {
            throw failure(e);
        }
    }

    private <T> T whileCancellable(Statement statement, SqlSupplier<T> work) throws SQLException {
        cancellation.enter(statement);
        try {
            return work.get();
        } finally {
            cancellation.leave(statement);
        }
    }

    private RuntimeException failure(SQLException e) {
        DatabaseException failure = new DatabaseException(e);
        String reason = cancellation.reason();
        return failure.isCancelled() && reason != null ? new CancelledException(reason) : failure;
    }

    @FunctionalInterface
    private interface SqlSupplier<T> {
        T get() throws SQLException;
    }
}
