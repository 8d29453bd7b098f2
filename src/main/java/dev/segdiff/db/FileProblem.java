package dev.segdiff.db;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Objects;

/** Says in words what is wrong with a file, because Java says much of this only by the names of its exceptions. */
public final class FileProblem {
    private FileProblem() {}

    /** What is wrong, with the name of the file, such as "tokens does not exist". */
    public static String words(String file, IOException problem) {
        if (problem instanceof NoSuchFileException) {
            return file + " does not exist";
        }
        return file + " cannot be read: " + reason(problem);
    }

    /** What is wrong, without the name of the file. */
    public static String reason(IOException problem) {
        if (problem instanceof NoSuchFileException missing) {
            return missing.getFile() + " does not exist";
        } else if (problem instanceof AccessDeniedException) {
            return "permission denied";
        } else if (problem instanceof CharacterCodingException) {
            return "it is no UTF-8 text";
        } else if (problem instanceof FileSystemException e && e.getReason() != null) {
            return e.getReason();
        }
        return Objects.requireNonNullElse(problem.getMessage(), "input or output failed");
    }
}
