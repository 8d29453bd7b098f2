package dev.segdiff.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.support.TestConfig;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
        return new Migrations(db.database(), flyway().load(), TestConfig.of(DatabaseConfig.class, config));
    }

    private FluentConfiguration flyway() {
        return Flyway.configure()
                .dataSource(db.url(), db.user(), db.password())
                .schemas("segdiff")
                .defaultSchema("segdiff");
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
    void fingerprintIsThatOfAllFiles() throws IOException, NoSuchAlgorithmException {
        MessageDigest sha = MessageDigest.getInstance("SHA-256");
        for (Path file : files()) {
            sha.update(Files.readAllBytes(file));
        }

        assertThat(Migrations.fingerprint())
                .isEqualTo("segdiff " + HexFormat.of().formatHex(sha.digest()));
    }

    /** Each file of functions in {@code src/main/sql} stands in one of the three, once. */
    @Test
    void functionsOfAllRoomsAreApplied() throws IOException {
        List<Path> rooms;
        try (Stream<Path> all = Files.walk(Path.of("src/main/sql"))) {
            rooms = all.filter(Files::isRegularFile).toList();
        }
        String applied = "";
        for (Path file : files()) {
            applied += Files.readString(file);
        }

        assertThat(rooms).hasSizeGreaterThan(10);
        for (Path part : rooms) {
            String text = Files.readString(part);
            assertThat(applied.indexOf(text))
                    .as(part.toString())
                    .isNotNegative()
                    .isEqualTo(applied.lastIndexOf(text));
            assertThat(Path.of("src/main/java/dev/segdiff", part.getName(3).toString()))
                    .isDirectory();
        }
    }

    /** A former version refuses a schema with files that it does not have, so that their names stay. */
    @Test
    void formerVersionPutsItsFunctionsBackAndThisOneItsOwn(@TempDir Path former) throws IOException {
        for (Path file : files()) {
            Files.copy(file, former.resolve(file.getFileName().toString()));
        }
        Path functions = former.resolve("R__functions.sql");
        Files.writeString(
                functions, "\ncomment on function segdiff.logical_day() is 'former';\n", StandardOpenOption.APPEND);
        String comment = "select obj_description('segdiff.logical_day()'::regprocedure)";
        migrations().migrate();
        String today = db.value(comment);

        new Migrations(
                        db.database(),
                        flyway().locations("filesystem:" + former).load(),
                        TestConfig.of(DatabaseConfig.class))
                .migrate();
        assertThat(db.value(comment)).isEqualTo("former");

        migrations().migrate();
        assertThat(db.value(comment)).isEqualTo(today);
        assertThat(files())
                .extracting(file -> file.getFileName().toString())
                .filteredOn(name -> name.startsWith("R__"))
                .containsExactly("R__audit_functions.sql", "R__functions.sql", "R__retention_functions.sql");
    }

    /** The files that Flyway applies, by name. */
    private static List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("target/classes/db/migration"))) {
            return files.sorted().toList();
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
