package dev.segdiff.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.support.TestConfig;
import dev.segdiff.support.TestDatabase;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MigrationsTest {
    final TestDatabase db = new TestDatabase();

    @BeforeEach
    void createEmpty() throws SQLException {
        db.create("template0");
    }

    @AfterEach
    void drop() {
        db.drop();
    }

    private Migrations migrations(String... config) {
        Flyway flyway = Flyway.configure()
                .dataSource(db.url(), db.user(), db.password())
                .schemas("segdiff")
                .defaultSchema("segdiff")
                .load();
        return new Migrations(db.database(), flyway, TestConfig.of(DatabaseConfig.class, config));
    }

    @Test
    void migratesOnceAndSaysWhatItApplied() {
        assertThat(migrations().migrate())
                .extracting(Migrations.Applied::description)
                .contains("segments", "functions");
        assertThat(migrations().migrate()).isEmpty();
    }

    @Test
    void commandMigratesAtStartUnlessToldOtherwise() {
        assertThatThrownBy(() -> migrations("segdiff.migrate-at-start", "false").ensureCurrent())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("segdiff migrate");

        migrations().ensureCurrent();

        assertThatCode(() -> migrations("segdiff.migrate-at-start", "false").ensureCurrent())
                .doesNotThrowAnyException();
    }

    @Test
    void podsThatStartTogetherMigrateOnce() {
        List<CompletableFuture<Void>> pods = Stream.generate(
                        () -> CompletableFuture.runAsync(() -> migrations().ensureCurrent()))
                .limit(4)
                .toList();

        assertThat(pods).allSatisfy(pod -> assertThatCode(pod::join).doesNotThrowAnyException());
        assertThat(db.value("select count(*) from segdiff.flyway_schema_history where version = '1'"))
                .isEqualTo("1");
    }

    @Test
    void oldServersAreRefused() {
        assertThatThrownBy(() -> Migrations.checkServer(130_012))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("PostgreSQL 13, expected 14 or newer");
        assertThatCode(() -> Migrations.checkServer(140_000)).doesNotThrowAnyException();
    }

    @Test
    void everyFileOfTheSchemaCounts() throws java.io.IOException {
        try (Stream<java.nio.file.Path> files =
                java.nio.file.Files.list(java.nio.file.Path.of("src/main/resources/db/migration"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(Migrations.FILES);
        }
    }

    @Test
    void schemaThatAnotherVersionHasMigratedIsLookedAtAgain() {
        migrations().migrate();
        assertThat(db.value("select obj_description('segdiff.flyway_schema_history'::regclass)"))
                .isEqualTo(Migrations.fingerprint());

        db.execute(
                "comment on table segdiff.flyway_schema_history is 'segdiff another'",
                "update segdiff.flyway_schema_history set checksum = 1 where script = 'R__functions.sql'");

        assertThatThrownBy(() -> migrations("segdiff.migrate-at-start", "false").ensureCurrent())
                .hasMessageContaining("functions");
        migrations().ensureCurrent();
        assertThat(db.value("select obj_description('segdiff.flyway_schema_history'::regclass)"))
                .isEqualTo(Migrations.fingerprint());
    }
}
