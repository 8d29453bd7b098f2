package dev.segdiff.db;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * A PostgreSQL of one's own, for trying segdiff: it lives in a directory, is reached over loopback only, and serves all
 * processes that name the same directory. The first one starts it, the last one stops it. Each holds a shared lock on
 * a file, which the operating system gives back even after {@code kill -9}.
 */
public final class EmbeddedServer implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(60);
    private static final long STOP_SECONDS = 30;
    private static final Logger LIBRARY_LOG = Logger.getLogger("io.zonky.test.db.postgres");

    private final Path directory;
    private final FileChannel users;
    private FileLock membership;
    private final Postmaster postmaster;
    private final boolean started;

    private EmbeddedServer(Path directory) throws IOException {
        this.directory = Files.createDirectories(directory.toAbsolutePath());
        this.users = FileChannel.open(
                this.directory.resolve("users.lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        try (FileChannel gate = gate();
                FileLock alone = gate.lock()) {
            this.membership = users.lock(0, Long.MAX_VALUE, true);
            Optional<Postmaster> running = Postmaster.running(data());
            this.started = running.isEmpty();
            this.postmaster = running.isPresent() ? running.get() : start();
        }
    }

    /** Joins the server of this directory, or starts it. */
    public static EmbeddedServer open(Path directory) {
        try {
            return new EmbeddedServer(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "the embedded PostgreSQL in " + directory + " does not start, see " + directory
                            + "/postgres.log; or name a database in QUARKUS_DATASOURCE_JDBC_URL",
                    e);
        }
    }

    /** Whether this process started the server, or joined it. */
    public boolean started() {
        return started;
    }

    public String jdbcUrl() {
        return "jdbc:postgresql://127.0.0.1:" + postmaster.port() + "/postgres";
    }

    public String username() {
        return "postgres";
    }

    /** Leaves the server; the last to leave stops it. */
    @Override
    public void close() {
        try (FileChannel gate = gate();
                FileLock alone = gate.lock()) {
            membership.release();
            FileLock last = users.tryLock();
            if (last != null) {
                postmaster.stop();
            }
            users.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path data() {
        return directory.resolve("postgres");
    }

    /** Joining and leaving exclude each other, so that nobody joins a server that is being stopped. */
    private FileChannel gate() throws IOException {
        return FileChannel.open(directory.resolve("gate.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    private Postmaster start() throws IOException {
        // Its steps are of interest to nobody; what PostgreSQL says goes to postgres.log.
        LIBRARY_LOG.setLevel(Level.WARNING);
        Files.deleteIfExists(data().resolve("postmaster.pid"));
        ProcessBuilder.Redirect log = ProcessBuilder.Redirect.appendTo(
                directory.resolve("postgres.log").toFile());
        EmbeddedPostgres.builder()
                .setDataDirectory(data())
                .setCleanDataDirectory(false)
                .setRegisterShutdownHook(false)
                .setLocaleConfig("locale", "C")
                // The library's defaults are for tests; people keep data here.
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("full_page_writes", "on")
                .setServerConfig("listen_addresses", "127.0.0.1")
                .setServerConfig("max_connections", "100")
                .setServerConfig("shared_buffers", "256MB")
                .setPGStartupWait(START)
                .setOutputRedirector(log)
                .setErrorRedirector(log)
                .start();
        return Postmaster.running(data()).orElseThrow(() -> new IOException("no postmaster.pid in " + data()));
    }

    /** What PostgreSQL writes into {@code postmaster.pid}: the process in line 1, the port in line 4. */
    private record Postmaster(ProcessHandle process, int port) {
        static Optional<Postmaster> running(Path data) throws IOException {
            Path file = data.resolve("postmaster.pid");
            if (!Files.exists(file)) {
                return Optional.empty();
            }
            List<String> lines = Files.readAllLines(file);
            if (lines.size() < 4) {
                return Optional.empty();
            }
            int port = Integer.parseInt(lines.get(3).strip());
            return ProcessHandle.of(Long.parseLong(lines.get(0).strip()))
                    .filter(process -> process.info()
                            .command()
                            .map(c -> c.contains("postgres"))
                            .orElse(true))
                    .map(process -> new Postmaster(process, port));
        }

        /** SIGTERM: PostgreSQL waits for its sessions, of which there are none, writes a checkpoint and ends. */
        void stop() {
            process.destroy();
            try {
                process.onExit().orTimeout(STOP_SECONDS, TimeUnit.SECONDS).join();
            } catch (CompletionException e) {
                process.destroyForcibly();
            }
        }
    }
}
