package dev.segdiff.support;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.flywaydb.core.Flyway;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.ContainerFetchException;
import org.testcontainers.postgresql.PostgreSQLContainer;

/**
 * One PostgreSQL for all tests of a JVM: a container where a Docker engine answers, the embedded one elsewhere;
 * {@code -Dsegdiff.test.database=docker|embedded} forces either, {@code -Dsegdiff.test.postgres=14} another version.
 */
final class TestServer {
    /** Neither UTC nor whole hours from it all year: mistakes with zones show. */
    private static final String ZONE = "America/St_Johns";

    private static final Map<String, String> SETTINGS = Map.of(
            "timezone",
            ZONE,
            "fsync",
            "off",
            "max_connections",
            "200",
            "max_prepared_transactions",
            "5",
            // A statement that hangs says where; segdiff sets its own bounds.
            "statement_timeout",
            "100s");

    /** The roles of {@code ops-runbooks/roles.sql}: one migrates, the other runs the jobs. */
    static final String OWNER = "segdiff_owner";

    static final String WORKER = "segdiff_worker";
    static final String ROLE_PASSWORD = "role";

    static final TestServer INSTANCE = start();

    private final String prefix;
    private final String user;
    private final String password;

    TestServer(String prefix, String user, String password) {
        this.prefix = prefix;
        this.user = user;
        this.password = password;
        execute("postgres", "create database segdiff_template");
        execute("segdiff_template", roles());
        // The applications' tables, in tests, are the superuser's.
        execute(
                "segdiff_template",
                "alter default privileges grant select, insert, update, delete, trigger on tables to segdiff_worker;"
                        + "alter default privileges grant select on tables to segdiff_auditor;"
                        + "alter default privileges grant usage on sequences to segdiff_worker");
        migrate(url("segdiff_template"), OWNER, ROLE_PASSWORD);
    }

    static void migrate(String url, String user, String password) {
        Flyway.configure()
                .dataSource(url, user, password)
                .schemas("segdiff")
                .defaultSchema("segdiff")
                .load()
                .migrate();
    }

    /** As an administrator makes them; the roles belong to the server. */
    static String roles() {
        try {
            return Files.readString(Path.of("ops-runbooks", "roles.sql"))
                    + "; alter role %s password '%s'; alter role %s password '%s'"
                            .formatted(OWNER, ROLE_PASSWORD, WORKER, ROLE_PASSWORD);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String url(String database) {
        return prefix + database;
    }

    String user() {
        return user;
    }

    String password() {
        return password;
    }

    void execute(String database, String sql) {
        try (Connection connection = DriverManager.getConnection(url(database), user, password);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    private static TestServer start() {
        String kind = System.getProperty("segdiff.test.database", "auto");
        if (kind.equals("embedded")
                || (kind.equals("auto") && !DockerClientFactory.instance().isDockerAvailable())) {
            return embedded();
        }
        try {
            return container();
        } catch (ContainerFetchException e) {
            if (kind.equals("docker")) {
                throw e;
            }
            System.err.println(
                    "A DOCKER ENGINE ANSWERS, BUT ITS IMAGES CANNOT BE HAD: TESTING ON THE EMBEDDED POSTGRESQL");
            return embedded();
        }
    }

    private static TestServer container() {
        PostgreSQLContainer container =
                new PostgreSQLContainer("postgres:" + System.getProperty("segdiff.test.postgres", "18"));
        StringBuilder command = new StringBuilder("postgres");
        SETTINGS.forEach(
                (key, value) -> command.append(" -c ").append(key).append('=').append(value));
        // A password is worth nothing here, and each of some ten thousand connections would hash it 4,096 times.
        command.append(" -c scram_iterations=1");
        container.setCommand(command.toString());
        container.start();
        String prefix = "jdbc:postgresql://" + container.getHost() + ":" + container.getMappedPort(5432) + "/";
        // Stopped by Testcontainers' reaper, or here where that is disabled.
        Runtime.getRuntime().addShutdownHook(new Thread(container::stop));
        TestServer server = new TestServer(prefix, container.getUsername(), container.getPassword());
        server.execute("postgres", "alter role current_user password '" + container.getPassword() + "'");
        return server;
    }

    private static TestServer embedded() {
        try {
            EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder().setLocaleConfig("locale", "C");
            SETTINGS.forEach(builder::setServerConfig);
            EmbeddedPostgres server = builder.start();
            return new TestServer("jdbc:postgresql://127.0.0.1:" + server.getPort() + "/", "postgres", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
