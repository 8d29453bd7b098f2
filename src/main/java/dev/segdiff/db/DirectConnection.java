package dev.segdiff.db;

import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.AgroalConnectionFactoryConfiguration;
import io.agroal.api.security.AgroalDefaultSecurityProvider;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;
import java.util.Properties;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;

/**
 * Opens a session of PostgreSQL that belongs to segdiff alone from its first statement to its last. Settings that are
 * made once hold for the whole session, and nobody else inherits them. The session leads past a pooler if
 * {@code segdiff.direct-jdbc-url} is set.
 */
final class DirectConnection {
    private DirectConnection() {}

    /**
     * Opens a session. Closing the connection ends the session.
     *
     * @throws InvalidInputException if a pooler is in between, or if segdiff.direct-jdbc-url leads to another database
     */
    static Connection open(DataSource dataSource, DatabaseConfig config) throws SQLException {
        AgroalConnectionFactoryConfiguration factory = ((AgroalDataSource) dataSource)
                .getConfiguration()
                .connectionPoolConfiguration()
                .connectionFactoryConfiguration();
        String url = config.directJdbcUrl().orElse(factory.jdbcUrl());
        Connection connection = Objects.requireNonNull(new Driver().connect(url, properties(factory)), url);
        try {
            refusePooler(connection);
            if (config.directJdbcUrl().isPresent()) {
                refuseAnother(dataSource, connection);
            }
            return connection;
        } catch (SQLException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    /** The user, password and properties with which segdiff logs in, the same as those of the pool. */
    private static Properties properties(AgroalConnectionFactoryConfiguration factory) {
        AgroalDefaultSecurityProvider provider = new AgroalDefaultSecurityProvider();
        Properties properties = new Properties();
        properties.putAll(factory.jdbcProperties());
        Stream.concat(Stream.ofNullable(factory.principal()), factory.credentials().stream())
                .map(provider::getSecurityProperties)
                .filter(Objects::nonNull)
                .forEach(properties::putAll);
        return properties;
    }

    private static void refusePooler(Connection connection) {
        if (new Session(connection, new Cancellation(), null).isPooled()) {
            throw new InvalidInputException("a pooler is between segdiff and PostgreSQL, expected a session of its own:"
                    + " set segdiff.direct-jdbc-url to a URL that leads past it");
        }
    }

    private static void refuseAnother(DataSource dataSource, Connection connection) throws SQLException {
        String server = "select current_database() || ' on the server started at ' || pg_postmaster_start_time()";
        try (Connection usual = dataSource.getConnection()) {
            String expected = ask(usual, server);
            String got = ask(connection, server);
            if (!Objects.equals(expected, got)) {
                throw new InvalidInputException("segdiff.direct-jdbc-url leads to database " + got + ", expected "
                        + expected + ", where quarkus.datasource.jdbc.url leads");
            }
        }
    }

    private static @Nullable String ask(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
