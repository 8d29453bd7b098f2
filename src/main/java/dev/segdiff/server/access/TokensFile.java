package dev.segdiff.server.access;

import dev.segdiff.db.FileProblem;
import dev.segdiff.db.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;

/** The file of {@code segdiff.api.tokens-file}: one token in each line, and comments that begin with {@code #}. */
final class TokensFile {
    private TokensFile() {}

    /**
     * The state of the file, by which a change is noticed. A secret that Kubernetes mounts changes by a link that then
     * points to another file.
     */
    record Version(Path target, FileTime modified, long size) {}

    /** @throws InvalidInputException if a line is wrong, with its number, or the file cannot be read */
    static List<Token> read(Path file) {
        List<Token> found = new ArrayList<>();
        try {
            List<String> lines = Files.readAllLines(file);
            for (int i = 0; i < lines.size(); i++) {
                String line = lines.get(i).strip();
                if (!line.isEmpty() && !line.startsWith("#")) {
                    found.add(parse(file, i + 1, line));
                }
            }
            return found;
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static Token parse(Path file, int number, String line) {
        try {
            return Token.parse(line);
        } catch (InvalidInputException e) {
            throw new InvalidInputException(
                    "segdiff.api.tokens-file: " + file + " line " + number + ": " + e.getMessage());
        }
    }

    static Version version(Path file) {
        try {
            return new Version(file.toRealPath(), Files.getLastModifiedTime(file), Files.size(file));
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static InvalidInputException unreadable(Path file, IOException e) {
        return new InvalidInputException("segdiff.api.tokens-file: " + FileProblem.words(file.toString(), e));
    }
}
