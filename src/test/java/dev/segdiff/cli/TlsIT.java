package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.Served;
import dev.segdiff.support.TestCertificates;
import dev.segdiff.support.TestDatabase;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server that speaks TLS only, with the certificate of a private authority for {@code localhost}. */
class TlsIT {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path certificates;

    @SuppressWarnings("NullAway.Init")
    private static TestCertificates authority;

    @SuppressWarnings("NullAway.Init")
    private static EmbeddedPostgres server;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @BeforeAll
    static void start() throws IOException {
        authority = new TestCertificates(certificates);
        server = EmbeddedPostgres.builder()
                .setLocaleConfig("locale", "C")
                .setServerConfig("ssl", "on")
                .setServerConfig("ssl_cert_file", authority.server().toString())
                .setServerConfig("ssl_key_file", authority.key().toString())
                .start();
    }

    @AfterAll
    static void stop() throws IOException {
        server.close();
    }

    private Segdiff segdiff(String host, Path root) {
        return new Segdiff(directory)
                .with(
                        "QUARKUS_DATASOURCE_JDBC_URL",
                        "jdbc:postgresql://%s:%d/postgres?sslmode=verify-full&sslrootcert=%s"
                                .formatted(host, server.getPort(), root))
                .with("QUARKUS_DATASOURCE_USERNAME", "postgres")
                .with("QUARKUS_DATASOURCE_PASSWORD", "");
    }

    @Test
    void serverWhoseCertificateIsVerifiedIsServed() throws SQLException {
        Segdiff segdiff = segdiff("localhost", authority.authority());

        Ended ended = segdiff.run("run");

        assertThat(ended.exitCode()).as(ended.toString()).isZero();
        try (Served served = Served.start(segdiff, directory)) {
            assertThat(served.status("/q/health/ready")).isEqualTo(200);
            try (Connection connection = server.getPostgresDatabase().getConnection()) {
                assertThat(TestDatabase.rows(connection, """
                                select distinct s.ssl from pg_stat_ssl s join pg_stat_activity a using (pid) where a.application_name = 'segdiff'
                                """)).containsExactly("t");
            }
        }
    }

    @Test
    void serverOfAnotherNameIsRefused() {
        Ended ended = segdiff("127.0.0.1", authority.authority()).run("status");

        assertThat(ended.exitCode()).as(ended.toString()).isEqualTo(1);
        assertThat(ended.err()).contains("127.0.0.1").doesNotContain("\tat ");
    }

    @Test
    void serverOfAnotherAuthorityIsRefused() throws IOException {
        TestCertificates another = new TestCertificates(Files.createDirectory(directory.resolve("another")));

        Ended ended = segdiff("localhost", another.authority()).run("status");

        assertThat(ended.exitCode()).as(ended.toString()).isEqualTo(1);
        assertThat(ended.err()).contains("SSL").doesNotContain("\tat ");
    }
}
