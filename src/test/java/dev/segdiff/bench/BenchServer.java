package dev.segdiff.bench;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import org.flywaydb.core.Flyway;

/** A durable PostgreSQL of its own, and what a benchmark needs to measure it. */
final class BenchServer implements AutoCloseable {
    /** Work that is measured. */
    @FunctionalInterface
    interface Work {
        void run() throws Exception;
    }

    /** Milliseconds and bytes of WAL. */
    record Measured(double millis, long walBytes) {}

    private final EmbeddedPostgres server;
    private final Connection connection;

    BenchServer() throws IOException, SQLException {
        server = EmbeddedPostgres.builder()
                .setLocaleConfig("locale", "C")
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("full_page_writes", "on")
                .setServerConfig("shared_buffers", "1GB")
                .setServerConfig("max_wal_size", "16GB")
                // A server that has been up for a while recycles WAL files; making new ones holds up every commit.
                .setServerConfig("min_wal_size", "8GB")
                .start();
        Flyway.configure()
                .dataSource(url(), "postgres", "")
                .schemas("segdiff")
                .defaultSchema("segdiff")
                .load()
                .migrate();
        connection = DriverManager.getConnection(url(), "postgres", "");
    }

    String url() {
        return server.getJdbcUrl("postgres", "postgres");
    }

    Connection connection() {
        return connection;
    }

    void execute(String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    String value(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    /** After a checkpoint, so that everybody pays for the full pages that follow it. */
    Measured measure(Work work) throws Exception {
        execute("checkpoint");
        String before = value("select pg_current_wal_insert_lsn()");
        long start = System.nanoTime();
        work.run();
        double millis = (System.nanoTime() - start) / 1e6;
        return new Measured(
                millis,
                Long.parseLong(value("select pg_current_wal_insert_lsn() - '%s'".formatted(before))
                        .split("\\.")[0]));
    }

    static Measured median(Measured... all) {
        return Arrays.stream(all)
                .sorted(java.util.Comparator.comparingDouble(Measured::millis))
                .skip(all.length / 2)
                .findFirst()
                .orElseThrow();
    }

    @Override
    public void close() throws SQLException, IOException {
        connection.close();
        server.close();
    }
}
