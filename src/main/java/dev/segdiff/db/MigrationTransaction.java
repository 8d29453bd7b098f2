package dev.segdiff.db;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.function.Function;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.jspecify.annotations.Nullable;

/**
 * Runs everything that Flyway does in one transaction. By itself, Flyway uses two connections and sets the search path
 * and the role of their sessions. Behind a transaction pooler other clients would inherit these settings.
 */
@RegisterForReflection(targets = Connection.class)
final class MigrationTransaction {
    private MigrationTransaction() {}

    static <T> T run(Flyway flyway, Function<Flyway, T> work) {
        try (Connection connection = flyway.getConfiguration().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            try {
                new Session(connection, new Cancellation(), Settings.unbounded()).call("select 1");
                T result = work.apply(Flyway.configure(flyway.getConfiguration().getClassLoader())
                        .configuration(flyway.getConfiguration())
                        .dataSource(always(connection))
                        .load());
                try (Statement statement = connection.createStatement()) {
                    statement.execute("reset search_path; reset role");
                }
                connection.commit();
                return result;
            } catch (RuntimeException | SQLException e) {
                Database.rollback(connection, e);
                throw e;
            }
        } catch (SQLException e) {
            throw new DatabaseException(e);
        }
    }

    /**
     * A data source that always returns this connection. The types of the proxies are constants in this method, so
     * native-image finds them by itself.
     */
    private static DataSource always(Connection connection) {
        ClassLoader loader = MigrationTransaction.class.getClassLoader();
        Object open = Proxy.newProxyInstance(
                loader, new Class<?>[] {Connection.class}, (self, method, arguments) -> switch (method.getName()) {
                    // These do nothing, because the transaction ends only when everything is done.
                    case "setAutoCommit", "commit", "close" -> null;
                    default -> call(connection, method, arguments);
                });
        return (DataSource)
                Proxy.newProxyInstance(loader, new Class<?>[] {DataSource.class}, (self, method, arguments) -> open);
    }

    private static @Nullable Object call(Connection connection, Method method, @Nullable Object @Nullable [] arguments)
            throws Throwable {
        try {
            return method.invoke(connection, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
