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
 * The embedded PostgreSQL, with which people try segdiff. Its data is in a directory of the user. It can be reached
 * over loopback only, with the password in that directory. It serves all processes that name the same directory: the
 * first of them starts the server, and the last one stops it. Each process holds a shared lock on a file, which the
 * operating system releases even after {@code kill -9}.
 */
public final class EmbeddedServer implements AutoCloseable {
    private static final String TIMEOUT_SECONDS = "60";
    private static final String SUPERUSER = "postgres";
    private static final String LOOPBACK = "127.0.0.1";

    /** The rules for connections: only over loopback, and only with the password. */
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

    /** Joins the server of this directory, or starts the server if it does not run. */
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

    /** Leaves the server. The last process that leaves stops the server. */
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

    /**
     * The lock for joining and leaving. They exclude each other, so that no process joins a server that is being
     * stopped.
     */
    private FileChannel gate() throws IOException {
        return FileChannel.open(directory.resolve("gate.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    /**
     * Stops a server that an older segdiff has left behind and that asks for no password, so that it is started again
     * with one.
     */
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

    /** Starts the server, and returns its port. */
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
                        TIMEOUT_SECONDS,
                        "-D",
                        data().toString(),
                        "-l",
                        log().toString(),
                        "-o",
                        "-p " + free
                                + " -c listen_addresses=" + LOOPBACK
                                + " -c unix_socket_directories= -c timezone=UTC -c max_connections=100"
                                + " -c shared_buffers=256MB"));
        return free;
    }

    /**
     * Makes the data directory under another name and renames it at the end, so that a data directory is always
     * complete.
     */
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

    /** Gives a password to a data directory of an older segdiff, which asks for none. Meanwhile nobody can connect. */
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

    /** Stops the server: it ends the sessions of processes that are about to end, and writes a checkpoint. */
    private void stop() throws IOException {
        if (Postmaster.running(data()).isPresent()) {
            programs.run(
                    "", "pg_ctl", List.of("stop", "-w", "-t", TIMEOUT_SECONDS, "-D", data().toString(), "-m", "fast"));
        }
    }

    /**
     * The content of PostgreSQL's file {@code postmaster.pid}, which has the process in line 1 and the port in line 4.
     */
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
