package dev.segdiff.cli;

import dev.segdiff.db.CancelledException;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Printable;
import io.quarkus.runtime.QuarkusBindException;
import io.smallrye.config.ConfigValidationException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import org.jboss.logging.Logger;
import picocli.CommandLine.Help.Ansi;

/** Turns exceptions into a message and an exit code, for all commands. */
final class Errors {
    private static final int FAILED = 1;
    static final int USAGE = 2;
    static final int INTERRUPTED = 75;

    private Errors() {}

    static int tell(Throwable failure, PrintWriter err) {
        for (Throwable e = failure; e != null; e = e.getCause()) {
            if (e instanceof InvalidInputException) {
                print(err, e.getMessage());
                return USAGE;
            } else if (e instanceof CancelledException) {
                print(err, "interrupted: " + e.getMessage());
                return INTERRUPTED;
            } else if (e instanceof ConfigValidationException invalid) {
                ConfigErrors.lines(invalid).forEach(line -> print(err, "configuration: " + line));
                return USAGE;
            } else if (e instanceof QuarkusBindException) {
                print(err, "serve: the address is taken; name another with QUARKUS_HTTP_PORT or QUARKUS_HTTP_HOST");
                return USAGE;
            } else if (e instanceof UncheckedIOException io) {
                print(err, String.valueOf(io.getMessage()));
                return FAILED;
            } else if (e instanceof SQLException sql) {
                return tell(new DatabaseException(sql), err);
            } else if (e instanceof DatabaseException database && !(e.getCause() instanceof DatabaseException)) {
                return tell(database, err);
            }
        }
        print(err, "an error within segdiff: " + failure.getMessage());
        Logger.getLogger(Errors.class).debug("failed", failure);
        failure.printStackTrace(err);
        return FAILED;
    }

    static void print(PrintWriter err, @org.jspecify.annotations.Nullable String message) {
        err.println(Ansi.AUTO.string("@|bold,red segdiff:|@ ") + Printable.of(String.valueOf(message)));
        err.flush();
    }

    private static int tell(DatabaseException e, PrintWriter err) {
        String state = e.sqlState();
        if (state.startsWith("28") || state.equals("3D000")) {
            print(err, e.getMessage() + "; check QUARKUS_DATASOURCE_JDBC_URL, _USERNAME and _PASSWORD");
            return USAGE;
        } else if (e.isLostConnection()) {
            print(err, "cannot reach the database: " + e.getMessage() + "; check QUARKUS_DATASOURCE_JDBC_URL");
            return FAILED;
        } else if (state.equals("P0002")) {
            // no_data_found: the functions for readers raise this for a segment or version that does not exist.
            print(err, e.getMessage());
            return USAGE;
        } else if (e.isReadOnly()) {
            print(err, "the server only reads, as a standby does: connect to the primary");
            return USAGE;
        } else if (state.equals("42501")) {
            print(err, e.getMessage() + "; the database role lacks a privilege");
            return USAGE;
        } else if (e.isTransient()) {
            print(err, e.getMessage() + "; try again");
            return INTERRUPTED;
        }
        print(err, e.getMessage() + (state.isEmpty() ? "" : " (SQLSTATE " + state + ")"));
        return FAILED;
    }
}
