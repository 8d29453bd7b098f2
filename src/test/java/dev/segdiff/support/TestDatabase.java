package dev.segdiff.support;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseConfig;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.agroal.api.exceptionsorter.PostgreSQLExceptionSorter;
import io.agroal.api.security.NamePrincipal;
import io.agroal.api.security.SimplePassword;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A database of its own for each test, cloned from a migrated template. The test itself is its superuser; segdiff works
 * with the rights of a worker, as installed.
 */
public final class TestDatabase implements BeforeEachCallback, AfterEachCallback {
    private static final AtomicInteger COUNTER = new AtomicInteger();

    private String url = "";
    private String user = "postgres";
    private String password = "";
    private String worker = "postgres";
    private String workerPassword = "";

    @SuppressWarnings("NullAway.Init")
    private AgroalDataSource dataSource;

    @Override
    public void beforeEach(ExtensionContext context) throws SQLException {
        create("segdiff_template", TestServer.WORKER, TestServer.ROLE_PASSWORD);
    }

    @Override
    public void afterEach(ExtensionContext context) {
        drop();
    }

    /** For tests that want an empty database, and programs that are no JUnit tests: segdiff is a superuser there. */
    public void create(String template) throws SQLException {
        create(template, TestServer.INSTANCE.user(), TestServer.INSTANCE.password());
    }

    /** A database with the rights as installed, on a server of the test's own, with which it ends. */
    static TestDatabase on(TestServer server) throws SQLException {
        TestDatabase database = new TestDatabase();
        database.create(server, "segdiff_template", TestServer.WORKER, TestServer.ROLE_PASSWORD);
        return database;
    }

    private void create(String template, String itsWorker, String itsPassword) throws SQLException {
        create(TestServer.INSTANCE, template, itsWorker, itsPassword);
    }

    private void create(TestServer server, String template, String itsWorker, String itsPassword) throws SQLException {
        worker = itsWorker;
        workerPassword = itsPassword;
        String name = "test_" + ProcessHandle.current().pid() + "_" + COUNTER.incrementAndGet();
        server.execute("postgres", "create database " + name + " template " + template);
        user = server.user();
        password = server.password();
        open(server.url(name));
    }

    /** The same database as another role, of the test and of segdiff. */
    public TestDatabase as(String role, String itsPassword) throws SQLException {
        TestDatabase other = new TestDatabase();
        other.user = role;
        other.password = itsPassword;
        other.worker = role;
        other.workerPassword = itsPassword;
        other.open(url);
        return other;
    }

    public TestDatabase asOwner() throws SQLException {
        return as(TestServer.OWNER, TestServer.ROLE_PASSWORD);
    }

    /** What an administrator runs before segdiff comes. */
    public static String roles() {
        return TestServer.roles();
    }

    /** Brings the schema up to date, as whoever segdiff logs in as. */
    public void migrate() {
        TestServer.migrate(url, worker, workerPassword);
    }

    /** What is partitioned belongs to the worker, or nobody could detach its partitions. */
    public void giveToWorker(String table) {
        execute("""
                do $$
                declare part regclass;
                begin
                    for part in select '%1$s'::regclass union select t.relid from pg_partition_tree('%1$s') t loop
                        execute format('alter table %%s owner to %2$s', part);
                    end loop;
                    execute format('grant usage, create on schema %%s to %2$s',
                                   (select c.relnamespace::regnamespace from pg_class c where c.oid = '%1$s'::regclass));
                end $$
                """.formatted(table, TestServer.WORKER));
    }

    /** The same database through another port of this machine. */
    public TestDatabase through(int port) throws SQLException {
        TestDatabase other = new TestDatabase();
        other.user = user;
        other.password = password;
        other.worker = worker;
        other.workerPassword = workerPassword;
        other.open("jdbc:postgresql://127.0.0.1:" + port + "/" + name());
        return other;
    }

    public void close() {
        dataSource.close();
    }

    /** A database that is there already, on a server of its own. */
    public static TestDatabase existing(String url) throws SQLException {
        TestDatabase database = new TestDatabase();
        database.open(url.replaceFirst("\\?.*", ""));
        return database;
    }

    private void open(String databaseUrl) throws SQLException {
        url = databaseUrl;
        dataSource = AgroalDataSource.from(
                new AgroalDataSourceConfigurationSupplier().connectionPoolConfiguration(pool -> pool.maxSize(30)
                        .exceptionSorter(new PostgreSQLExceptionSorter())
                        .acquisitionTimeout(Duration.ofSeconds(10))
                        .connectionFactoryConfiguration(factory -> factory.jdbcUrl(url)
                                .principal(new NamePrincipal(worker))
                                .credential(new SimplePassword(workerPassword)))));
    }

    public void drop() {
        dataSource.close();
        TestServer.INSTANCE.execute("postgres", "drop database " + name() + " with (force)");
    }

    /** Unlike that of any other test, also of another process: for what belongs to the whole server, such as roles. */
    public String name() {
        return url.substring(url.lastIndexOf('/') + 1);
    }

    public String url() {
        return url;
    }

    public String user() {
        return user;
    }

    public String password() {
        return password;
    }

    /** Whom segdiff logs in as. */
    public String worker() {
        return worker;
    }

    public String workerPassword() {
        return workerPassword;
    }

    public Database database() {
        return new Database(dataSource, TestConfig.of(DatabaseConfig.class));
    }

    /** A session outside segdiff's pool, as an application has it. */
    public Connection connect() {
        try {
            return DriverManager.getConnection(url(), user(), password());
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Runs statements; each commits by itself. */
    public void execute(String... statements) {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The rows of a query, columns joined by '|', null as empty text. */
    public List<String> rows(String sql) {
        try (Connection connection = connect()) {
            return rows(connection, sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    public static List<String> rows(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            List<String> rows = new ArrayList<>();
            while (row.next()) {
                StringBuilder text = new StringBuilder();
                for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                    text.append(i == 1 ? "" : "|").append(row.getString(i) == null ? "" : row.getString(i));
                }
                rows.add(text.toString());
            }
            return rows;
        }
    }

    public String value(String sql) {
        return rows(sql).get(0);
    }
}
