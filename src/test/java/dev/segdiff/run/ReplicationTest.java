package dev.segdiff.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.support.TestDatabase;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.stream.Stream;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A primary whose archiver fails, and a standby that replays late; servers of their own, embedded in any case. */
class ReplicationTest {
    private static final RunRequest REQUEST = RunFixture.request(LocalDate.of(2026, 3, 1));

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private EmbeddedPostgres primary;

    @BeforeEach
    void startPrimary() throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        primary = server("primary").start();
        Flyway.configure()
                .dataSource(url(primary), "postgres", "")
                .schemas("segdiff")
                .defaultSchema("segdiff")
                .load()
                .migrate();
    }

    @AfterEach
    void stopPrimary() throws IOException {
        primary.close();
    }

    private EmbeddedPostgres.Builder server(String name) {
        return EmbeddedPostgres.builder()
                .setLocaleConfig("locale", "C")
                .setDataDirectory(directory.resolve(name))
                .setCleanDataDirectory(false)
                .setServerConfig("fsync", "off");
    }

    private static String url(EmbeddedPostgres server) {
        return "jdbc:postgresql://127.0.0.1:" + server.getPort() + "/postgres";
    }

    private static RunReport run(EmbeddedPostgres server, String... config) throws SQLException {
        String[] all = java.util.Arrays.copyOf(config, config.length + 2);
        all[config.length] = "segdiff.throttle.max-wait";
        all[config.length + 1] = "0s";
        RunFixture runs = new RunFixture(TestDatabase.existing(url(server)), all);
        TestJob[] job = new TestJob[1];
        job[0] = new TestJob(true, context -> {
            runs.throttle.gate(job[0], context).pass();
            return Result.succeeded();
        });
        return runs.run(job[0], REQUEST);
    }

    @Test
    void standbyThatReplaysLateHoldsARunUpAndServesNone() throws Exception {
        primary.close();
        copy(directory.resolve("primary"), directory.resolve("standby"));
        primary = server("primary").start();
        Files.createFile(directory.resolve("standby/standby.signal"));
        Files.writeString(directory.resolve("standby/postgresql.auto.conf"), """
                primary_conninfo = 'host=127.0.0.1 port=%d user=postgres'
                recovery_min_apply_delay = '1h'
                """.formatted(primary.getPort()));
        try (EmbeddedPostgres standby = server("standby").start()) {
            assertThatThrownBy(() -> run(standby))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("connect to the primary");
            assertThat(run(primary).outcome()).isEqualTo(Outcome.SUCCEEDED);
            TestDatabase db = TestDatabase.existing(url(primary));
            while (db.rows("select from pg_stat_replication where replay_lag > interval '1 s'")
                    .isEmpty()) {
                db.execute("create table if not exists wal as select 1", "drop table wal");
            }

            RunReport report = run(primary, "segdiff.throttle.max-replication-lag", "100ms");

            assertThat(report.outcome()).isEqualTo(Outcome.INTERRUPTED);
            assertThat(report.reason()).contains("replication lag: ").contains("s late");
        }
    }

    @Test
    void archiverThatIsBehindHoldsARunUp() throws Exception {
        primary.close();
        primary = server("primary")
                .setServerConfig("archive_mode", "on")
                .setServerConfig("archive_command", "false")
                .start();
        TestDatabase db = TestDatabase.existing(url(primary));
        for (int i = 0; i < 4; i++) {
            db.execute("create table wal as select 1", "drop table wal", "select pg_switch_wal()");
        }
        while (db.value("select failed_count from pg_stat_archiver").equals("0")) {
            Thread.onSpinWait();
        }

        RunReport report = run(primary, "segdiff.throttle.max-unarchived-wal-files", "2");

        assertThat(report.outcome()).isEqualTo(Outcome.INTERRUPTED);
        assertThat(report.reason()).contains("WAL archiver: ").contains("files behind");
        assertThat(run(primary).outcome()).isEqualTo(Outcome.SUCCEEDED);
    }

    @Test
    void archiverThatKeepsUpHoldsNobodyUp() throws Exception {
        primary.close();
        primary = server("primary")
                .setServerConfig("archive_mode", "on")
                .setServerConfig("archive_command", "true")
                .start();
        TestDatabase db = TestDatabase.existing(url(primary));
        db.execute("create table wal as select 1", "select pg_switch_wal()");
        while (db.value("select archived_count from pg_stat_archiver").equals("0")) {
            Thread.onSpinWait();
        }

        assertThat(db.value("select segdiff.unarchived_wal_files()")).isEqualTo("0");
        assertThat(run(primary, "segdiff.throttle.max-unarchived-wal-files", "1")
                        .outcome())
                .isEqualTo(Outcome.SUCCEEDED);
    }

    private static void copy(Path from, Path to) throws IOException, InterruptedException {
        // With owners and permissions, about which PostgreSQL is particular.
        new ProcessBuilder("cp", "-a", from.toString(), to.toString())
                .inheritIO()
                .start()
                .waitFor();
        try (Stream<Path> copied = Files.list(to)) {
            assertThat(copied).isNotEmpty();
        }
    }
}
