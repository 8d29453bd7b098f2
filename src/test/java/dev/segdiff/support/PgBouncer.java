package dev.segdiff.support;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * PgBouncer in transaction mode before a test's database. All clients, whoever they say they are, are the worker and share
 * a few server sessions, so that each transaction may find itself in another one.
 */
public final class PgBouncer implements AutoCloseable {
    private static final int SERVER_SESSIONS = 2;

    private final Process process;
    private final String url;

    private PgBouncer(Process process, String url) {
        this.process = process;
        this.url = url;
    }

    /** Skips the test, loudly, where the program is not installed. */
    public static PgBouncer start(Path directory, TestDatabase db) throws IOException {
        Path program = program().orElse(null);
        if (program == null) {
            System.err.println("NO pgbouncer: NOTHING IS TESTED BEHIND IT");
            Assumptions.abort("no pgbouncer");
            throw new AssertionError();
        }
        int port = Served.freePort();
        URI server = URI.create(db.url().replace("jdbc:", ""));
        Path config = Files.writeString(directory.resolve("pgbouncer.ini"), """
                [databases]
                * = host=%s port=%d user=%s password=%s
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = %d
                unix_socket_dir =
                auth_type = any
                pool_mode = transaction
                default_pool_size = %d
                ignore_startup_parameters = extra_float_digits
                """.formatted(
                        server.getHost(), server.getPort(), db.worker(), password(db), port, SERVER_SESSIONS));
        List<String> command = new ArrayList<>(List.of(program.toString(), config.toString()));
        if (System.getProperty("user.name").equals("root")) {
            // It refuses to be root.
            command.addAll(1, List.of("-u", "nobody"));
        }
        Path log = directory.resolve("pgbouncer.log");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        PgBouncer pooler = new PgBouncer(
                process, "jdbc:postgresql://127.0.0.1:%d/%s?prepareThreshold=0".formatted(port, db.name()));
        try {
            Await.untilWithin(
                    Duration.ofSeconds(10), "PgBouncer lets clients in", () -> process.isAlive() && pooler.answers());
        } catch (AssertionError e) {
            pooler.close();
            throw new AssertionError(Files.readString(log), e);
        }
        return pooler;
    }

    /** An empty one would be a mistake in the file; nobody asks for this one. */
    private static String password(TestDatabase db) {
        return db.workerPassword().isEmpty() ? "none" : db.workerPassword();
    }

    private static Optional<Path> program() {
        return Stream.concat(Arrays.stream(System.getenv("PATH").split(":")), Stream.of("/usr/sbin"))
                .map(directory -> Path.of(directory, "pgbouncer"))
                .filter(Files::isExecutable)
                .findFirst();
    }

    private boolean answers() {
        try (Connection connection = connect()) {
            return connection.isValid(1);
        } catch (SQLException e) {
            return false;
        }
    }

    /** With what older versions need: no prepared statements. */
    public String url() {
        return url;
    }

    public Connection connect() throws SQLException {
        return DriverManager.getConnection(url, "anybody", "");
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
