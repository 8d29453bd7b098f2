package dev.segdiff.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** A real PgBouncer before a test's database, in transaction mode; tests that need one are skipped, loudly, without. */
public final class PgBouncer implements AutoCloseable {
    private static final Path PROGRAM = Path.of("/usr/sbin/pgbouncer");

    private final Process process;
    private final int port;
    private final String database;

    private PgBouncer(Process process, int port, String database) {
        this.process = process;
        this.port = port;
        this.database = database;
    }

    public static PgBouncer start(TestDatabase db, Path directory) {
        if (!Files.exists(PROGRAM)) {
            System.err.println("NO " + PROGRAM + ": NOTHING IS TRIED BEHIND A POOLER");
            Assumptions.abort("no " + PROGRAM);
        }
        try {
            URI server = URI.create(db.url().replaceFirst("^jdbc:", ""));
            int port = freePort();
            Path users = directory.resolve("users");
            Files.writeString(users, "\"%s\" \"%s\"\n".formatted(db.worker(), db.workerPassword()));
            Path config = directory.resolve("pgbouncer.ini");
            Files.writeString(config, """
                    [databases]
                    %1$s = host=%2$s port=%3$d
                    [pgbouncer]
                    listen_addr = 127.0.0.1
                    listen_port = %4$d
                    unix_socket_dir =
                    auth_type = trust
                    auth_file = %5$s
                    pool_mode = transaction
                    default_pool_size = 5
                    ignore_startup_parameters = extra_float_digits
                    """.formatted(db.name(), server.getHost(), server.getPort(), port, users));
            List<String> command = new ArrayList<>(List.of(PROGRAM.toString()));
            if (System.getProperty("user.name").equals("root")) {
                // It refuses to run as root.
                Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
                command.addAll(List.of("-u", "nobody"));
            }
            command.add(config.toString());
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(directory.resolve("pgbouncer.log").toFile())
                    .start();
            PgBouncer pooler = new PgBouncer(process, port, db.name());
            Await.until("the pooler listens", () -> pooler.listens(directory));
            return pooler;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Before 1.21 it knows no prepared statements. */
    public String url() {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + database + "?prepareThreshold=0";
    }

    private boolean listens(Path directory) {
        if (!process.isAlive()) {
            try {
                throw new AssertionError(Files.readString(directory.resolve("pgbouncer.log")));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit().join();
    }
}
