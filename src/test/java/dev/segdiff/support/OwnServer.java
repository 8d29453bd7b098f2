package dev.segdiff.support;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A PostgreSQL of a test's own, embedded in any case, that may be killed and started again. It does not wait for the
 * disk ({@code fsync}): what a killed process has written is in the kernel, and only a loss of power would lose it.
 */
public final class OwnServer implements AutoCloseable {
    private static final Map<String, String> SETTINGS = Map.of(
            "fsync", "off",
            // The library's default is off: a kill would lose what was committed.
            "synchronous_commit", "on",
            "max_connections", "100",
            "statement_timeout", "100s",
            "timezone", "UTC");

    private final Path data;
    private final int port;
    private final Map<String, String> settings;
    private EmbeddedPostgres running;

    private OwnServer(Path data, Map<String, String> settings) throws IOException {
        this.data = data;
        this.port = Served.freePort();
        this.settings = settings;
        this.running = launch();
    }

    /** Starts a server on a data directory, which is made unless it is there. */
    public static OwnServer start(Path data, Map<String, String> settings) throws IOException {
        // The server is another user than root, and must get there.
        Files.setPosixFilePermissions(data.getParent(), PosixFilePermissions.fromString("rwxr-xr-x"));
        return new OwnServer(data, settings);
    }

    private EmbeddedPostgres launch() throws IOException {
        EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder()
                .setLocaleConfig("locale", "C")
                .setDataDirectory(data)
                .setCleanDataDirectory(false)
                .setPort(port);
        SETTINGS.forEach(builder::setServerConfig);
        settings.forEach(builder::setServerConfig);
        return builder.start();
    }

    public int port() {
        return port;
    }

    /** Roles and schema as an administrator makes them, and a database. */
    public TestDatabase install() throws SQLException {
        return TestDatabase.on(new TestServer("jdbc:postgresql://127.0.0.1:" + port + "/", "postgres", ""));
    }

    /** All processes end at once, in the middle of what they do; nobody is told. */
    public void kill() throws IOException {
        List<ProcessHandle> processes = processes();
        processes.forEach(ProcessHandle::destroyForcibly);
        gone(processes);
    }

    /** An immediate stop: the sessions are told, nothing is finished, the next start recovers. */
    public void stopImmediately() throws IOException, InterruptedException {
        List<ProcessHandle> processes = processes();
        new ProcessBuilder("kill", "-QUIT", String.valueOf(processes.get(0).pid()))
                .start()
                .waitFor();
        gone(processes);
    }

    /** The postmaster, then its children. */
    private List<ProcessHandle> processes() throws IOException {
        long pid = Long.parseLong(
                Files.readAllLines(data.resolve("postmaster.pid")).get(0).strip());
        ProcessHandle postmaster = ProcessHandle.of(pid).orElseThrow();
        return Stream.concat(Stream.of(postmaster), postmaster.descendants()).toList();
    }

    private void gone(List<ProcessHandle> processes) throws IOException {
        Await.until("the server is dead", () -> processes.stream().noneMatch(ProcessHandle::isAlive));
        Files.deleteIfExists(data.resolve("postmaster.pid"));
    }

    /** Starts it again, on the same port, after it has been killed or stopped. */
    public void restart() throws IOException {
        running.close();
        running = launch();
    }

    /** A regular end; its files stay. */
    public void stop() throws IOException {
        running.close();
    }

    @Override
    public void close() throws IOException {
        running.close();
    }
}
