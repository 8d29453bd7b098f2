package dev.segdiff.db;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * A PostgreSQL of one's own, for trying segdiff: it lives in a directory of its user, is reached over loopback only and
 * with the password in that directory, and serves all processes that name the same directory. The first one starts it,
 * the last one stops it. Each holds a shared lock on a file, which the operating system gives back even after
 * {@code kill -9}.
 */
public final class EmbeddedServer implements AutoCloseable {
    private static final String PATIENCE_SECONDS = "60";
    private static final String SUPERUSER = "postgres";
    private static final String LOOPBACK = "127.0.0.1";

    /** Who may come, and how: whoever knows the password, and nobody without one. */
    private static final String ACCESS = "# Written by segdiff.\nhost all all " + LOOPBACK + "/32 scram-sha-256\n";

    private final Path directory;
    private final FileChannel users;
    private final EmbeddedPrograms programs;
    private FileLock membership;
    private final int port;
    private final boolean started;

    private EmbeddedServer(Path directory) throws IOException {
        this.directory = PrivateFiles.directory(directory.toAbsolutePath());
        this.users = FileChannel.open(
                this.directory.resolve("users.lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        try (FileChannel gate = gate();
                FileLock alone = gate.lock()) {
            this.programs = EmbeddedPrograms.in(this.directory, log());
            endServerThatTrusts();
            this.membership = users.lock(0, Long.MAX_VALUE, true);
            Optional<Postmaster> running = Postmaster.running(data());
            this.started = running.isEmpty();
            this.port = running.isPresent() ? running.get().port() : start();
        }
    }

    /** Joins the server of this directory, or starts it. */
    public static EmbeddedServer open(Path directory) {
        try {
            return new EmbeddedServer(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "the embedded PostgreSQL in " + directory + " does not start: " + FileProblem.reason(e) + "; see "
                            + directory + "/postgres.log, or name a database in QUARKUS_DATASOURCE_JDBC_URL",
                    e);
        }
    }

    /** Whether this process started the server, or joined it. */
    public boolean started() {
        return started;
    }

    public String jdbcUrl() {
        return "jdbc:postgresql://" + LOOPBACK + ":" + port + "/postgres";
    }

    public String username() {
        return SUPERUSER;
    }

    public String password() {
        try {
            return Files.readString(passwordFile()).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Leaves the server; the last to leave stops it. */
    @Override
    public void close() {
        try (FileChannel gate = gate();
                FileLock alone = gate.lock()) {
            membership.release();
            FileLock last = users.tryLock();
            if (last != null) {
                stop();
            }
            users.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path data() {
        return directory.resolve("postgres");
    }

    private Path log() {
        return directory.resolve("postgres.log");
    }

    private Path passwordFile() {
        return directory.resolve("password");
    }

    private static Path access(Path data) {
        return data.resolve("pg_hba.conf");
    }

    /** Joining and leaving exclude each other, so that nobody joins a server that is being stopped. */
    private FileChannel gate() throws IOException {
        return FileChannel.open(directory.resolve("gate.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    /** A server that an older segdiff left behind lets everybody in; it is started anew. */
    private void endServerThatTrusts() throws IOException {
        if (Postmaster.running(data()).isEmpty() || isSafe()) {
            return;
        }
        FileLock nobodyElse = users.tryLock();
        if (nobodyElse == null) {
            throw new IOException("an older segdiff runs it, without a password: end that first");
        }
        nobodyElse.release();
        stop();
    }

    private boolean isSafe() throws IOException {
        return Files.exists(passwordFile()) && Files.readString(access(data())).equals(ACCESS);
    }

    /** The port of the server that is started. */
    private int start() throws IOException {
        if (Files.notExists(data())) {
            create();
        } else if (!isSafe()) {
            secure();
        }
        Files.deleteIfExists(data().resolve("postmaster.pid"));
        int free = freePort();
        programs.run(
                "",
                "pg_ctl",
                List.of(
                        "start",
                        "-w",
                        "-t",
                        PATIENCE_SECONDS,
                        "-D",
                        data().toString(),
                        "-l",
                        log().toString(),
                        "-o",
                        "-p " + free
                                + " -c listen_addresses=" + LOOPBACK
                                + " -c unix_socket_directories= -c timezone=UTC -c max_connections=100 -c shared_buffers=256MB"));
        return free;
    }

    /** Makes the data directory beside, so that one that is there is whole. */
    private void create() throws IOException {
        Path beside = directory.resolve("postgres.new");
        PrivateFiles.delete(beside);
        makePassword();
        programs.run(
                "",
                "initdb",
                List.of(
                        "-D",
                        beside.toString(),
                        "-U",
                        SUPERUSER,
                        "-A",
                        "scram-sha-256",
                        "--pwfile=" + passwordFile(),
                        "-E",
                        "UTF-8",
                        "--locale=C"));
        PrivateFiles.write(access(beside), ACCESS);
        PrivateFiles.rename(beside, data());
    }

    /** A directory that an older segdiff made, which lets everybody in, gets a password; nobody is let in meanwhile. */
    private void secure() throws IOException {
        makePassword();
        programs.run(
                "alter role " + SUPERUSER + " password '" + password() + "'\n",
                "postgres",
                List.of(
                        "--single",
                        "-D",
                        data().toString(),
                        "-c",
                        "exit_on_error=on",
                        "-c",
                        "password_encryption=scram-sha-256",
                        "postgres"));
        PrivateFiles.write(access(data()), ACCESS);
    }

    private void makePassword() throws IOException {
        byte[] secret = new byte[24];
        new SecureRandom().nextBytes(secret);
        PrivateFiles.write(passwordFile(), HexFormat.of().formatHex(secret) + "\n");
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(LOOPBACK))) {
            return socket.getLocalPort();
        }
    }

    /** Sessions of processes that are about to end are ended, a checkpoint is written. */
    private void stop() throws IOException {
        if (Postmaster.running(data()).isPresent()) {
            programs.run(
                    "", "pg_ctl", List.of("stop", "-w", "-t", PATIENCE_SECONDS, "-D", data().toString(), "-m", "fast"));
        }
    }

    /** What PostgreSQL writes into {@code postmaster.pid}: the process in line 1, the port in line 4. */
    private record Postmaster(int port) {
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
                    .map(process -> new Postmaster(port));
        }
    }
}
