package dev.segdiff.db;

import java.io.BufferedInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * The programs of the PostgreSQL in the jar. They are unpacked into a directory in which nobody else can replace them.
 */
final class EmbeddedPrograms {
    private static final String UNPACKED = "postgresql-";
    private static final String UNFINISHED = "unpacking-";
    private static final String EXECUTABLES = "bin/";

    private final Path home;
    private final Path log;

    private EmbeddedPrograms(Path home, Path log) {
        this.home = home;
        this.log = log;
    }

    /**
     * Unpacks the programs, unless they are unpacked already. Only one process at a time may call this.
     *
     * @param directory the directory to unpack into
     * @param log the file that receives the output of the programs
     */
    static EmbeddedPrograms in(Path directory, Path log) throws IOException {
        JarURLConnection archive = archive();
        Path home = directory.resolve(
                UNPACKED + Long.toHexString(archive.getJarEntry().getCrc()));
        if (Files.notExists(home)) {
            deleteOthers(directory);
            Path beside = Files.createTempDirectory(directory, UNFINISHED);
            unpack(archive, beside);
            PrivateFiles.rename(beside, home);
        }
        return new EmbeddedPrograms(home, log);
    }

    /**
     * Runs a program to its end.
     *
     * @param input the text that the program reads
     * @throws IOException if the program does not end with exit code 0
     */
    void run(String input, String program, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(unprivileged());
        command.add(home.resolve(EXECUTABLES + program).toString());
        command.addAll(arguments);
        ProcessBuilder.Redirect toLog = ProcessBuilder.Redirect.appendTo(log.toFile());
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(toLog)
                .start();
        try (OutputStream stdin = process.getOutputStream()) {
            stdin.write(input.getBytes(StandardCharsets.UTF_8));
        }
        int exitCode = await(process);
        if (exitCode != 0) {
            throw new IOException(program + " failed with exit code " + exitCode);
        }
    }

    /**
     * The beginning of a command line that takes away root's rights, as PostgreSQL does not run as root. In a user
     * namespace of its own, PostgreSQL has none of root's rights. But it still owns the files that root owns, so nobody
     * else can touch its data.
     */
    private static List<String> unprivileged() throws IOException {
        if (!"root".equals(System.getProperty("user.name"))) {
            return List.of();
        }
        List<String> unshare = List.of("unshare", "--user");
        Process tried = new ProcessBuilder(
                        Stream.concat(unshare.stream(), Stream.of("true")).toList())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (await(tried) != 0) {
            throw new IOException(
                    "PostgreSQL does not run as root, and this machine allows no user namespace (unshare --user):"
                            + " start segdiff as another user");
        }
        return unshare;
    }

    private static int await(Process process) throws IOException {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** Deletes what other versions, or processes that were killed while they unpacked, have left behind. */
    private static void deleteOthers(Path directory) throws IOException {
        List<Path> others;
        try (Stream<Path> all = Files.list(directory)) {
            others = all.filter(path -> path.getFileName().toString().startsWith(UNPACKED)
                            || path.getFileName().toString().startsWith(UNFINISHED))
                    .toList();
        }
        for (Path other : others) {
            PrivateFiles.delete(other);
        }
    }

    private static JarURLConnection archive() throws IOException {
        String name = "postgres-%s-%s.txz".formatted(system(), processor());
        URL url = EmbeddedPrograms.class.getClassLoader().getResource(name);
        if (url == null || !(url.openConnection() instanceof JarURLConnection archive)) {
            throw new FileNotFoundException("the jar brings no PostgreSQL for this machine: there is no " + name);
        }
        return archive;
    }

    private static String system() {
        String name = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        return name.startsWith("mac") ? "darwin" : name.startsWith("windows") ? "windows" : "linux";
    }

    private static String processor() {
        String name = System.getProperty("os.arch");
        return name.equals("aarch64") ? "arm_64" : name.equals("amd64") ? "x86_64" : name;
    }

    private static void unpack(JarURLConnection archive, Path target) throws IOException {
        try (InputStream in = new BufferedInputStream(archive.getInputStream());
                TarArchiveInputStream tar = new TarArchiveInputStream(new XZInputStream(in))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                unpack(tar, entry, target);
            }
        }
    }

    private static void unpack(TarArchiveInputStream tar, TarArchiveEntry entry, Path target) throws IOException {
        Path path = target.resolve(entry.getName()).normalize();
        if (entry.isDirectory()) {
            Files.createDirectories(path);
            return;
        }
        Files.createDirectories(path.getParent());
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
        } else {
            Files.copy(tar, path);
            boolean executable = target.relativize(path).startsWith(EXECUTABLES);
            if (executable && !path.toFile().setExecutable(true)) {
                throw new IOException(path + " cannot be made executable");
            }
        }
    }
}
