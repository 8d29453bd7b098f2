package dev.segdiff.db;

import jakarta.enterprise.context.ApplicationScoped;
import java.util.Arrays;
import java.util.List;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.output.MigrateOutput;

/** Brings the schema {@code segdiff} up to date. */
@ApplicationScoped
public class Migrations {
    /** The oldest PostgreSQL whose planner, partitions and functions the SQL here relies on. */
    private static final int OLDEST_SERVER = 14;

    private final Database database;
    private final Flyway flyway;
    private final DatabaseConfig config;

    public Migrations(Database database, Flyway flyway, DatabaseConfig config) {
        this.database = database;
        this.flyway = flyway;
        this.config = config;
    }

    /** A migration: its version, empty for what is applied again whenever it changed, and what it is about. */
    @io.quarkus.runtime.annotations.RegisterForReflection
    public record Applied(String version, String description) {}

    /** Applies what is missing. */
    public List<Applied> migrate() {
        checkServer();
        return flyway.migrate().migrations.stream().map(Migrations::applied).toList();
    }

    /**
     * Makes sure, before a command, that the schema fits: migrates if that is allowed.
     *
     * @throws InvalidInputException if the schema is behind and migrating at start is off
     */
    public void ensureCurrent() {
        checkServer();
        MigrationInfo[] pending = flyway.info().pending();
        if (pending.length == 0) {
            return;
        }
        if (!config.migrateAtStart()) {
            throw new InvalidInputException("the schema lacks "
                    + Arrays.stream(pending).map(MigrationInfo::getDescription).toList()
                    + " and segdiff.migrate-at-start is false: run `segdiff migrate`");
        }
        flyway.migrate();
    }

    private void checkServer() {
        checkServer(database.transaction(
                session -> session.one("select current_setting('server_version_num')::int", row -> row.getInt(1))));
    }

    static void checkServer(int versionNumber) {
        if (versionNumber / 10_000 < OLDEST_SERVER) {
            throw new InvalidInputException("the server is PostgreSQL " + versionNumber / 10_000 + ", expected "
                    + OLDEST_SERVER + " or newer: upgrade it, or name another in QUARKUS_DATASOURCE_JDBC_URL");
        }
    }

    private static Applied applied(MigrateOutput migration) {
        return new Applied(migration.version, migration.description);
    }
}
