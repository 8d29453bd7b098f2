package dev.segdiff.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The embedded PostgreSQL is its owner's alone, and survives a kill at any moment of its making. */
class EmbeddedServerTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    private static void assertOpensWithPasswordOnly(EmbeddedServer server) throws SQLException {
        try (Connection connection =
                DriverManager.getConnection(server.jdbcUrl(), server.username(), server.password())) {
            assertThat(connection.isValid(5)).isTrue();
        }
        for (String password : new String[] {"", "postgres"}) {
            assertThatThrownBy(() -> DriverManager.getConnection(server.jdbcUrl(), server.username(), password))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("password");
        }
    }

    private String mode(String file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve(file)));
    }

    @Test
    void whoHasNoPasswordIsRefused() throws SQLException, IOException {
        try (EmbeddedServer server = EmbeddedServer.open(directory)) {
            assertOpensWithPasswordOnly(server);
            assertThat(server.started()).isTrue();
            assertThat(mode(".")).isEqualTo("rwx------");
            assertThat(mode("password")).isEqualTo("rw-------");
            assertThat(Files.readString(directory.resolve("postgres/pg_hba.conf")))
                    .doesNotContain("trust");
        }
        assertThat(directory.resolve("postgres/postmaster.pid")).doesNotExist();
    }

    @Test
    void directoryThatTrustedEverybodyBecomesSafeAndKeepsItsData() throws SQLException, IOException {
        try (EmbeddedPostgres old = EmbeddedPostgres.builder()
                        .setDataDirectory(directory.resolve("postgres"))
                        .setCleanDataDirectory(false)
                        .setLocaleConfig("locale", "C")
                        .start();
                Connection trusted = old.getPostgresDatabase().getConnection();
                Statement statement = trusted.createStatement()) {
            statement.execute("create table kept ()");
        }

        for (int start = 0; start < 2; start++) {
            try (EmbeddedServer server = EmbeddedServer.open(directory)) {
                assertOpensWithPasswordOnly(server);
                try (Connection connection =
                                DriverManager.getConnection(server.jdbcUrl(), server.username(), server.password());
                        Statement statement = connection.createStatement()) {
                    statement.execute("select from kept");
                }
            }
        }
    }

    @Test
    void serverThatTrustsAndWasLeftBehindIsStartedAnew() throws SQLException, IOException {
        EmbeddedPostgres old = EmbeddedPostgres.builder()
                .setDataDirectory(directory.resolve("postgres"))
                .setCleanDataDirectory(false)
                .setRegisterShutdownHook(false)
                .setLocaleConfig("locale", "C")
                .start();
        try (EmbeddedServer server = EmbeddedServer.open(directory)) {
            assertThat(server.started()).isTrue();
            assertThat(server.jdbcUrl()).doesNotContain(":" + old.getPort() + "/");
            assertOpensWithPasswordOnly(server);
        }
    }

    @Test
    void whatAKilledStartLeftBehindIsMadeAnew() throws SQLException, IOException {
        Files.createDirectories(directory.resolve("unpacking-123/bin"));
        Files.writeString(directory.resolve("unpacking-123/bin/initdb"), "half of i");
        Files.createDirectories(directory.resolve("postgresql-other/bin"));
        Files.createDirectories(directory.resolve("postgres.new/base"));
        Files.writeString(directory.resolve("postgres.new/postgresql.conf"), "");
        Files.writeString(directory.resolve("password"), "of no server");
        Files.writeString(directory.resolve("password.new"), "");

        try (EmbeddedServer server = EmbeddedServer.open(directory)) {
            assertOpensWithPasswordOnly(server);
        }

        for (String gone : new String[] {"unpacking-123", "postgresql-other", "postgres.new", "password.new"}) {
            assertThat(directory.resolve(gone)).doesNotExist();
        }
    }

    @Test
    void lostPasswordIsReplaced() throws SQLException, IOException {
        EmbeddedServer.open(directory).close();
        Files.delete(directory.resolve("password"));

        try (EmbeddedServer server = EmbeddedServer.open(directory)) {
            assertOpensWithPasswordOnly(server);
        }
    }
}
