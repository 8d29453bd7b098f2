package dev.segdiff.db;

import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jboss.logging.Logger;

/** Opens transactions in PostgreSQL. All statements of segdiff go through this class. */
@ApplicationScoped
public class Database {
    /**
     * How long segdiff waits for the end of a statement beyond the statement's own time limit. If PostgreSQL does not
     * answer by then, the connection is taken for broken.
     */
    private static final Duration NETWORK_GRACE = Duration.ofSeconds(10);

    private static final Logger LOG = Logger.getLogger(Database.class);

    /**
     * The largest number of connections from the pool that may turn out to have ended, one after the other, before the
     * transaction fails. It is larger than the pool (20 connections), because all of them may have been idle for too
     * long.
     */
    private static final int MOST_KEPT = 30;

    private final DataSource dataSource;
    private final Settings defaults;
    private final DatabaseConfig config;

    public Database(DataSource dataSource, DatabaseConfig config) {
        this.dataSource = dataSource;
        this.config = config;
        this.defaults = Settings.bounded(config.statementTimeout(), config.lockTimeout());
    }

    /** The default settings, with time limits for statements that touch only segdiff's own small tables. */
    public Settings defaults() {
        return defaults;
    }

    /** The time by the database's clock. */
    public Instant now() {
        return transaction(session -> session.one(
                "select now()", row -> row.getObject(1, OffsetDateTime.class).toInstant()));
    }

    /** Runs work in a transaction with the default time limits. */
    public <T> T transaction(Function<Session, T> work) {
        return transaction(defaults, work);
    }

    /** Runs work in a transaction with these settings that nothing cancels. */
    public <T> T transaction(Settings settings, Function<Session, T> work) {
        return transaction(settings, new Cancellation(), work);
    }

    /**
     * Runs a query for a caller that does not wait for long, such as a probe.
     *
     * @param timeout the time limit of each statement
     */
    public <T> T ask(Duration timeout, Function<Session, T> question) {
        return transaction(defaults.statementTimeout(timeout), question);
    }

    /** Runs work in a transaction with the default time limits. */
    public void inTransaction(Consumer<Session> work) {
        transaction(session -> {
            work.accept(session);
            return 0;
        });
    }

    /**
     * Runs work in one transaction. The transaction is committed when the work returns, and rolled back when the work
     * throws an exception or has asked for it. If the session from the pool turns out to have ended before, for
     * instance by {@code idle_session_timeout}, the transaction begins again in another session.
     *
     * @throws DatabaseException if PostgreSQL refused a statement or cannot be reached
     * @throws CancelledException if the cancellation was requested meanwhile
     */
    public <T> T transaction(Settings settings, Cancellation cancellation, Function<Session, T> work) {
        for (int dead = 0; ; dead++) {
            try {
                return once(settings, cancellation, work);
            } catch (EndedBefore e) {
                if (dead == MOST_KEPT) {
                    throw new DatabaseException(new SQLException(e.getMessage(), "08006", e));
                }
                LOG.debugf("a session had ended, now the next one: %s", e.getMessage());
            }
        }
    }

    /** The session had ended before the transaction began, so nothing was done. */
    private static final class EndedBefore extends RuntimeException {
        private static final long serialVersionUID = 1;

        EndedBefore(Throwable cause) {
            super(cause.getMessage(), cause);
        }
    }

    private <T> T once(Settings settings, Cancellation cancellation, Function<Session, T> work) {
        cancellation.check();
        try (Connection connection = dataSource.getConnection()) {
            connection.setAutoCommit(false);
            bound(connection, settings);
            Session session = new Session(connection, cancellation, settings);
            try {
                T result = work.apply(session);
                if (session.isRolledBackAtEnd()) {
                    connection.rollback();
                } else {
                    connection.commit();
                }
                unbound(connection);
                return result;
            } catch (RuntimeException | Error e) {
                rollback(connection, e);
                if (session.hadEnded()) {
                    leave(connection);
                    throw new EndedBefore(e);
                }
                throw e;
            }
        } catch (SQLException e) {
            throw new DatabaseException(e);
        }
    }

    /**
     * Runs one statement that PostgreSQL refuses inside a transaction, such as
     * {@code detach partition ... concurrently}. The statement gets a session of its own with these settings.
     *
     * @throws InvalidInputException if a pooler is in between, so that there is no session of its own
     * @throws DatabaseException if PostgreSQL refused the statement or cannot be reached
     * @throws CancelledException if the cancellation was requested meanwhile
     */
    public void outsideTransaction(Settings settings, Cancellation cancellation, String sql) {
        try (Connection connection = DirectConnection.open(dataSource, config)) {
            bound(connection, settings);
            session(connection, new Cancellation()).call(settings.sessionSql(Server.of(connection)), settings.binds());
            session(connection, cancellation).update(sql);
        } catch (SQLException e) {
            throw new DatabaseException(e);
        }
    }

    /**
     * Whether {@link #outsideTransaction} can get a session of its own: no pooler is in between, or a URL leads past
     * it.
     */
    public boolean hasOwnSession() {
        return config.directJdbcUrl().isPresent() || !this.<Boolean>transaction(Session::isPooled);
    }

    /**
     * Checks that {@link #outsideTransaction} can get a session of its own.
     *
     * @throws InvalidInputException if it cannot; the message says what to do
     */
    public void checkOutsideTransaction() {
        try {
            DirectConnection.open(dataSource, config).close();
        } catch (SQLException e) {
            throw new DatabaseException(e);
        }
    }

    /**
     * Sets a time limit for answers from the network. PostgreSQL ends a statement that takes too long; if not even this
     * answer arrives, the network is broken.
     */
    private static void bound(Connection connection, Settings settings) throws SQLException {
        Duration longest = settings.statementTimeout();
        // A connection whose commit failed may still have the limit of the transaction before.
        connection.setNetworkTimeout(
                Runnable::run,
                longest.isZero()
                        ? 0
                        : Math.toIntExact(longest.plus(NETWORK_GRACE).toMillis()));
    }

    /** Takes the time limit for answers away, because Flyway uses the same connections and has no time limits. */
    private static void unbound(Connection connection) throws SQLException {
        connection.setNetworkTimeout(Runnable::run, 0);
    }

    private static Session session(Connection connection, Cancellation cancellation) {
        return new Session(connection, cancellation, null);
    }

    static void rollback(Connection connection, Throwable failure) {
        try {
            connection.rollback();
            unbound(connection);
        } catch (SQLException e) {
            failure.addSuppressed(e);
        }
    }

    /**
     * Uses the connection once, so that the pool notices the end of its session and drops the connection. The rollback
     * alone does not show this, because a rollback of nothing is not sent.
     */
    private static void leave(Connection connection) {
        try (Statement statement = connection.createStatement()) {
            statement.execute("select 1");
        } catch (SQLException e) {
            LOG.tracef("as expected: %s", e.getMessage());
        }
    }
}
