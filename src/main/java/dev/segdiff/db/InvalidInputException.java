package dev.segdiff.db;

/**
 * Input or configuration was refused before anything was touched. The message says what to do, and the exit code is 2.
 */
public final class InvalidInputException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public InvalidInputException(String message) {
        super(message);
    }
}
