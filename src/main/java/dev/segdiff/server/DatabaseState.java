package dev.segdiff.server;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Migrations;
import dev.segdiff.db.Settings;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;
import org.jboss.logging.Logger;

/** Whether the database can be worked with: it answers, is no standby, and its schema is current. */
@ApplicationScoped
public class DatabaseState {
    private static final Logger LOG = Logger.getLogger(DatabaseState.class);

    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final Duration MAX_AGE = Duration.ofSeconds(2);

    private record Seen(boolean standby, boolean schema) {}

    private final Database database;
    private final Migrations migrations;
    private final Recent<Optional<String>> fault;
    private volatile boolean schemaCurrent;
    private volatile String told = "";

    public DatabaseState(Database database, Migrations migrations, Askers askers) {
        this.database = database;
        this.migrations = migrations;
        this.fault = new Recent<>(this::read, MAX_AGE, PATIENCE, Duration.ZERO, askers);
    }

    /** What is wrong, in words that tell nothing of hosts or users; empty if all is well. */
    Optional<String> fault() {
        try {
            return fault.get();
        } catch (Recent.SlowException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private Optional<String> read() {
        Optional<String> now = attempt();
        String text = now.orElse("");
        if (!text.equals(told)) {
            LOG.warn(text.isEmpty() ? "the database is there" : text);
            told = text;
        }
        return now;
    }

    private Optional<String> attempt() {
        try {
            Settings settings = database.defaults().statementTimeout(PATIENCE);
            Seen seen = database.transaction(
                    settings,
                    new Cancellation(),
                    session -> session.one(
                            "select pg_is_in_recovery(), to_regclass('segdiff.runs') is not null",
                            row -> new Seen(row.getBoolean(1), row.getBoolean(2))));
            if (seen.standby()) {
                return Optional.of("the server is a standby: connect to the primary");
            }
            if (!schemaCurrent || !seen.schema()) {
                migrations.ensureCurrent();
                schemaCurrent = true;
            }
            return Optional.empty();
        } catch (InvalidInputException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            LOG.debug("database", e);
            boolean away = !(e instanceof DatabaseException database) || database.isLostConnection();
            return Optional.of(away ? "the database cannot be reached" : "the database refuses: see the log");
        }
    }
}
