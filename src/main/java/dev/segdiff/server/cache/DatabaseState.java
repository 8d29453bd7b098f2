package dev.segdiff.server.cache;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Migrations;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import java.time.Duration;
import java.util.Optional;
import org.flywaydb.core.api.FlywayException;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Finds out whether the database can be used: it answers, is no standby, and its schema is current. */
@ApplicationScoped
public class DatabaseState {
    private static final Logger LOG = Logger.getLogger(DatabaseState.class);

    private static final Duration QUERY_TIMEOUT = Duration.ofSeconds(2);
    private static final Duration MAX_AGE = Duration.ofSeconds(2);

    /**
     * What is wrong.
     *
     * @param words the fault in words that everybody may read
     * @param cause the details for the log, which may name hosts and users
     */
    private record Fault(String words, String cause) {
        static Optional<Fault> of(String words, @Nullable String cause) {
            return Optional.of(new Fault(words, String.valueOf(cause)));
        }
    }

    private record Seen(boolean standby, boolean schema) {}

    private final Database database;
    private final Migrations migrations;
    private final Event<DatabaseIsBack> back;
    private final CachedAnswer<Optional<String>> fault;
    private volatile boolean schemaCurrent;
    private volatile String told = "";

    public DatabaseState(Database database, Migrations migrations, ProbeExecutor probes, Event<DatabaseIsBack> back) {
        this.database = database;
        this.back = back;
        this.migrations = migrations;
        this.fault = new CachedAnswer<>(this::read, MAX_AGE, QUERY_TIMEOUT, Duration.ZERO, probes);
    }

    /** What is wrong, in words without hosts and users; empty if all is well. */
    public Optional<String> fault() {
        try {
            return fault.get();
        } catch (CachedAnswer.SlowException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private Optional<String> read() {
        Optional<Fault> found = look();
        String words = found.map(Fault::words).orElse("");
        if (!words.equals(told)) {
            LOG.warn(found.map(fault -> words + ": " + fault.cause()).orElse("the database is there"));
            told = words;
            if (found.isEmpty()) {
                back.fire(new DatabaseIsBack());
            }
        }
        return found.map(Fault::words);
    }

    private Optional<Fault> look() {
        try {
            Seen seen = database.ask(
                    QUERY_TIMEOUT,
                    session -> session.one(
                            "select pg_is_in_recovery(), to_regclass('segdiff.runs') is not null",
                            row -> new Seen(row.getBoolean(1), row.getBoolean(2))));
            if (seen.standby()) {
                return Fault.of("the server is a standby", "connect to the primary");
            }
            if (!schemaCurrent || !seen.schema()) {
                migrations.ensureCurrent();
                schemaCurrent = true;
            }
            return Optional.empty();
        } catch (InvalidInputException e) {
            return Fault.of("the schema or the server is not as expected", e.getMessage());
        } catch (DatabaseException e) {
            return Fault.of(
                    e.isLostConnection() ? "the database cannot be reached" : "the database refuses", e.getMessage());
        } catch (FlywayException e) {
            return Fault.of("the schema cannot be brought up to date", e.getMessage());
        }
    }
}
