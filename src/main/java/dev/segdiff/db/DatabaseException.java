package dev.segdiff.db;

import java.sql.SQLException;
import java.util.Objects;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** What PostgreSQL, or the way to it, answered instead of a result. */
public final class DatabaseException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private static final String NO_CONNECTION = "08001";
    private static final String DISK_FULL = "53100";

    private final String sqlState;

    public DatabaseException(SQLException cause) {
        super(describe(cause), cause);
        this.sqlState = state(cause);
    }

    /** What comes from the pool and not from the driver has no state: it has no connection to give. */
    private static String state(SQLException cause) {
        return Objects.requireNonNullElse(cause.getSQLState(), cause instanceof PSQLException ? "" : NO_CONNECTION);
    }

    /** The five characters of PostgreSQL's appendix A; empty when the driver gave none. */
    public String sqlState() {
        return sqlState;
    }

    /** A lock that was not given within {@code lock_timeout}. */
    public boolean isLockTimeout() {
        return sqlState.equals("55P03");
    }

    /** The statement was cancelled, by {@code statement_timeout} or by a request. */
    public boolean isCancelled() {
        return sqlState.equals("57014");
    }

    /** A null where none is allowed. */
    public boolean isNullValue() {
        return sqlState.equals("23502");
    }

    /** The session is gone: network (class 08), server shutting down or restarting, backend terminated or idle for too long. */
    public boolean isLostConnection() {
        return sqlState.startsWith("08") || sqlState.matches("57P0[1235]|25P03");
    }

    /** As it looks when a session had ended unnoticed: told by PostgreSQL, or by the network. */
    public boolean isSilentEnd() {
        return sqlState.equals("57P05") || sqlState.equals("08006") || sqlState.equals("08003");
    }

    /** Others reference the row, or whatever else a constraint says (class 23). */
    public boolean isConstraintViolation() {
        return sqlState.startsWith("23");
    }

    /** Something else has to end first, such as the pending detach of another partition of the same table. */
    public boolean isNotReady() {
        return sqlState.equals("55000");
    }

    /** The server refuses to write: a standby, or {@code default_transaction_read_only}. */
    public boolean isReadOnly() {
        return sqlState.equals("25006");
    }

    /** Worth another try as it is: a lock timeout, a serialization failure or deadlock (class 40), a lost connection. */
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
        // Detail is left out: it can quote row values.
        return server.getHint() == null ? server.getMessage() : server.getMessage() + " (" + server.getHint() + ")";
    }
}
