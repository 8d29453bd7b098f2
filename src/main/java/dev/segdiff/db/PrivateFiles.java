package dev.segdiff.db;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Writes files that only the user who runs the program can read. A file is complete or does not exist, also after a
 * kill.
 */
final class PrivateFiles {
    private static final String OWNER_ONLY_FILE = "rw-------";
    private static final String OWNER_ONLY_DIRECTORY = "rwx------";

    private PrivateFiles() {}

    /** Makes a directory, or takes away everybody else's rights on an existing one. */
    static Path directory(Path path) throws IOException {
        Files.createDirectories(path);
        if (isPosix(path)) {
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(OWNER_ONLY_DIRECTORY));
        }
        return path;
    }

    /** Writes a file under another name, and renames it when it is complete. */
    static void write(Path file, String text) throws IOException {
        Path beside = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(beside);
        Files.createFile(beside, ownerOnly(file));
        Files.writeString(beside, text);
        rename(beside, file);
    }

    static void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Deletes a file or a whole directory, if it exists. */
    static void delete(Path path) throws IOException {
        if (Files.notExists(path)) {
            return;
        }
        List<Path> contentFirst;
        try (Stream<Path> all = Files.walk(path)) {
            contentFirst = all.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path each : contentFirst) {
            Files.delete(each);
        }
    }

    private static FileAttribute<?>[] ownerOnly(Path file) {
        return isPosix(file)
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(OWNER_ONLY_FILE))
                }
                : new FileAttribute<?>[0];
    }

    /** Whether the file system has POSIX rights. Windows has rights of another kind. */
    private static boolean isPosix(Path path) {
        return path.getFileSystem().supportedFileAttributeViews().contains("posix");
    }
}
