package dev.segdiff.db;

import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/**
 * What a server says about itself when a connection begins, so that no query is needed.
 *
 * @param version the major version, such as 18
 * @param readsOnlyByDefault whether transactions of the role only read unless they say otherwise; on a standby they
 *     cannot say otherwise
 */
record Server(int version, boolean readsOnlyByDefault) {
    static Server of(Connection connection) throws SQLException {
        return new Server(
                connection.getMetaData().getDatabaseMajorVersion(),
                isOn(connection, "default_transaction_read_only") && !isOn(connection, "in_hot_standby"));
    }

    private static boolean isOn(Connection connection, String parameter) throws SQLException {
        @Nullable String value = connection.unwrap(PGConnection.class).getParameterStatus(parameter);
        return "on".equals(value);
    }
}
