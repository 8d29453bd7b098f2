package dev.segdiff.db;

import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.output.MigrateOutput;

/** Brings the schema {@code segdiff} up to date. */
@ApplicationScoped
public class Migrations {
    /** The oldest version of PostgreSQL that has the planner, partitions and functions which the SQL here needs. */
    private static final int OLDEST_SERVER = 14;

    private final Database database;
    private final Flyway flyway;
    private final DatabaseConfig config;

    public Migrations(Database database, Flyway flyway, DatabaseConfig config) {
        this.database = database;
        this.flyway = flyway;
        this.config = config;
    }

    /**
     * A migration that was applied: its version, which is empty for a file that is applied again whenever it has
     * changed, and its description.
     */
    @io.quarkus.runtime.annotations.RegisterForReflection
    public record Applied(String version, String description) {}

    /** Applies the migrations that are missing, and returns them. */
    public List<Applied> migrate() {
        checkServer(state().serverVersion());
        List<Applied> applied = MigrationTransaction.run(flyway, alone -> alone.migrate().migrations.stream()
                .map(Migrations::applied)
                .toList());
        remember();
        return applied;
    }

    /**
     * Makes sure before a command that the schema is current, and migrates if segdiff.migrate-at-start allows this.
     *
     * @throws InvalidInputException if the schema is not current and segdiff.migrate-at-start is false
     */
    public void ensureCurrent() {
        State state = state();
        checkServer(state.serverVersion());
        if (state.applied().equals(fingerprint())) {
            return;
        }
        MigrationInfo[] pending =
                MigrationTransaction.run(flyway, alone -> alone.info().pending());
        if (pending.length == 0) {
            return;
        }
        if (!config.migrateAtStart()) {
            throw new InvalidInputException("the schema lacks "
                    + Arrays.stream(pending).map(MigrationInfo::getDescription).toList()
                    + " and segdiff.migrate-at-start is false: run `segdiff migrate`");
        }
        MigrationTransaction.run(flyway, Flyway::migrate);
        remember();
    }

    /** @param applied the fingerprint of the files that were applied last; empty if none is recorded */
    private record State(int serverVersion, String applied) {}

    private State state() {
        return database.transaction(session -> session.one("""
                select current_setting('server_version_num')::int,
                    coalesce(obj_description(to_regclass('segdiff.flyway_schema_history')), '')
                """, row -> new State(row.getInt(1), row.getString(2))));
    }

    /**
     * Records the fingerprint of the files in the comment on Flyway's table. Only the owner of the table may do this;
     * for other roles Flyway finds out the state each time.
     */
    private void remember() {
        database.inTransaction(session -> {
            boolean owner = session.one(
                    "select pg_has_role(relowner, 'usage') from pg_class"
                            + " where oid = 'segdiff.flyway_schema_history'::regclass",
                    row -> row.getBoolean(1));
            if (owner) {
                session.update("comment on table segdiff.flyway_schema_history is '" + fingerprint() + "'");
            }
        });
    }

    /**
     * The fingerprint of all files of the schema, such as {@code segdiff 3f1c…}: the build computes it. A comment on
     * Flyway's table holds the fingerprint of the files that were applied. Reading this comment takes a hundredth of
     * the time that Flyway takes to find out whether the files were applied.
     */
    static String fingerprint() {
        try (InputStream in = Objects.requireNonNull(Migrations.class.getResourceAsStream("/db/fingerprint"))) {
            return "segdiff " + new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
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
