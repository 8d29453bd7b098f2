package dev.segdiff.db;

import io.quarkus.runtime.annotations.RegisterForProxy;
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
 * Everything that Flyway does, in one transaction. By itself it has two connections and sets the search path and the role
 * of their sessions: behind a transaction pooler those would stay behind for others.
 */
@RegisterForProxy(targets = Connection.class)
@RegisterForProxy(targets = DataSource.class)
@RegisterForReflection(targets = {Connection.class, DataSource.class})
final class MigrationTransaction {
    private MigrationTransaction() {}

    static <T> T run(Flyway flyway, Function<Flyway, T> work) {
        try (Connection connection = flyway.getConfiguration().getDataSource().getConnection()) {
            connection.setAutoCommit(false);
            try {
                T result = work.apply(Flyway.configure(flyway.getConfiguration().getClassLoader())
                        .configuration(flyway.getConfiguration())
                        .dataSource(always(connection))
                        .load());
                try (Statement statement = connection.createStatement()) {
                    statement.execute("reset search_path; reset role");
                }
                connection.commit();
                return result;
            } finally {
                // Nothing is left to roll back, unless it failed.
                connection.rollback();
            }
        } catch (SQLException e) {
            throw new DatabaseException(e);
        }
    }

    private static DataSource always(Connection connection) {
        Connection open = proxy(Connection.class, (method, arguments) -> switch (method.getName()) {
            // The transaction ends when all is done.
            case "setAutoCommit", "commit", "close" -> null;
            default -> method.invoke(connection, arguments);
        });
        return proxy(DataSource.class, (method, arguments) -> open);
    }

    @FunctionalInterface
    private interface Call {
        @Nullable
        Object answer(Method method, @Nullable Object @Nullable [] arguments) throws ReflectiveOperationException;
    }

    private static <T> T proxy(Class<T> type, Call call) {
        return type.cast(
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    try {
                        return call.answer(method, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }
}
