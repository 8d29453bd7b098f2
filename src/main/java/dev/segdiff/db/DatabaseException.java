package dev.segdiff.db;

import java.sql.SQLException;
import java.util.Objects;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** An error that came from PostgreSQL, or from the connection to it. */
public final class DatabaseException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private static final String NO_CONNECTION = "08001";
    private static final String DISK_FULL = "53100";

    private final String sqlState;

    public DatabaseException(SQLException cause) {
        super(describe(cause), cause);
        this.sqlState = state(cause);
    }

    /**
     * The SQL state of an error. An error without a state comes from the pool and not from the driver: the pool has no
     * connection to give.
     */
    private static String state(SQLException cause) {
        return Objects.requireNonNullElse(cause.getSQLState(), cause instanceof PSQLException ? "" : NO_CONNECTION);
    }

    /** The SQL state, the five characters of PostgreSQL's appendix A; empty if the driver gave none. */
    public String sqlState() {
        return sqlState;
    }

    /** Whether a lock was not granted within {@code lock_timeout}. */
    public boolean isLockTimeout() {
        return sqlState.equals("55P03");
    }

    /** Whether the statement was cancelled, by {@code statement_timeout} or by a request. */
    public boolean isCancelled() {
        return sqlState.equals("57014");
    }

    /** Whether there was a null where none is allowed. */
    public boolean isNullValue() {
        return sqlState.equals("23502");
    }

    /**
     * Whether the session has ended: by the network (class 08), because the server shuts down or restarts, or because
     * the backend was terminated or idle for too long.
     */
    public boolean isLostConnection() {
        return sqlState.startsWith("08") || sqlState.matches("57P0[1235]|25P03");
    }

    /**
     * Whether the error looks like that of a session that had ended unnoticed, as PostgreSQL or the network reports it.
     */
    public boolean isSilentEnd() {
        return sqlState.equals("57P05") || sqlState.equals("08006") || sqlState.equals("08003");
    }

    /** Whether a constraint was violated (class 23), for instance because other rows reference the row. */
    public boolean isConstraintViolation() {
        return sqlState.startsWith("23");
    }

    /** Whether something else has to end first, such as the pending detach of another partition of the same table. */
    public boolean isNotReady() {
        return sqlState.equals("55000");
    }

    /**
     * Whether the server refuses to write, because it is a standby or because of {@code default_transaction_read_only}.
     */
    public boolean isReadOnly() {
        return sqlState.equals("25006");
    }

    /**
     * Whether the same work may succeed at another try: after a lock timeout, a serialization failure or deadlock
     * (class 40), or a lost connection.
     */
    public boolean isTransient() {
        return isLockTimeout() || sqlState.startsWith("40") || isLostConnection();
    }

    private static String describe(SQLException cause) {
        ServerErrorMessage server = cause instanceof PSQLException e ? e.getServerErrorMessage() : null;
        if (server == null || server.getMessage() == null) {
            return Objects.requireNonNullElse(
                    cause.getMessage(), cause.getClass().getSimpleName());
        }
        if (DISK_FULL.equals(server.getSQLState())) {
            return server.getMessage()
                    + "; the disk of the database is full: make space there, and the next run goes on";
        }
        // The detail of the message is left out, because it can quote values of rows.
        return server.getHint() == null ? server.getMessage() : server.getMessage() + " (" + server.getHint() + ")";
    }
}
