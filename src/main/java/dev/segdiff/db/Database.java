package dev.segdiff.db;

import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.sql.DataSource;

/** Opens transactions. Everything that segdiff does to PostgreSQL goes through here. */
@ApplicationScoped
public class Database {
    /** How much later than its timeout a statement's end may be heard. */
    private static final Duration NETWORK_GRACE = Duration.ofSeconds(10);

    private final DataSource dataSource;
    private final Settings defaults;
    private final DatabaseConfig config;

    public Database(DataSource dataSource, DatabaseConfig config) {
        this.dataSource = dataSource;
        this.config = config;
        this.defaults = Settings.bounded(config.statementTimeout(), config.lockTimeout());
    }

    /** Bounds for statements that touch only segdiff's own small tables. */
    public Settings defaults() {
        return defaults;
    }

    /** The time by the database's clock. */
    public Instant now() {
        return transaction(session -> session.one(
                "select now()", row -> row.getObject(1, OffsetDateTime.class).toInstant()));
    }

    /** Runs work in a transaction with the default bounds. */
    public <T> T transaction(Function<Session, T> work) {
        return transaction(defaults, new Cancellation(), work);
    }

    /** Runs work in a transaction with the default bounds. */
    public void inTransaction(Consumer<Session> work) {
        transaction(session -> {
            work.accept(session);
            return 0;
        });
    }

    /**
     * Runs work in one transaction: committed when it returns, rolled back when it throws or has asked for it.
     *
     * @throws DatabaseException if PostgreSQL refused a statement or cannot be reached
     * @throws CancelledException if the cancellation was requested meanwhile
     */
    public <T> T transaction(Settings settings, Cancellation cancellation, Function<Session, T> work) {
        cancellation.check();
        try (Connection connection = dataSource.getConnection()) {
            connection.setAutoCommit(false);
            bound(connection, settings);
            try {
                Session session = new Session(connection, cancellation, settings);
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
                throw e;
            }
        } catch (SQLException e) {
            throw new DatabaseException(e);
        }
    }

    /**
     * Runs one statement that PostgreSQL refuses inside a transaction, such as {@code detach partition ... concurrently}, in
     * a session of its own, for which the settings hold.
     *
     * @throws InvalidInputException if a pooler stands in the way of such a session
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

    /** Whether {@link #outsideTransaction} has a way: no pooler is in between, or a URL leads past it. */
    public boolean hasOwnSession() {
        return config.directJdbcUrl().isPresent() || !this.<Boolean>transaction(Session::isPooled);
    }

    /** @throws InvalidInputException if {@link #outsideTransaction} has no way, and what to do about it */
    public void checkOutsideTransaction() {
        try {
            DirectConnection.open(dataSource, config).close();
        } catch (SQLException e) {
            throw new DatabaseException(e);
        }
    }

    /** PostgreSQL ends a statement that takes too long; if not even that is heard, the network has swallowed it. */
    private static void bound(Connection connection, Settings settings) throws SQLException {
        Duration longest = settings.statementTimeout();
        if (!longest.isZero()) {
            connection.setNetworkTimeout(
                    Runnable::run, Math.toIntExact(longest.plus(NETWORK_GRACE).toMillis()));
        }
    }

    /** Flyway, which shares the connections, has no bounds. */
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
}
