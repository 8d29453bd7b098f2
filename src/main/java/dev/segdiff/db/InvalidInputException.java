package dev.segdiff.db;

/** Input or configuration that was refused before anything was touched; the message says what to do. Exit code 2. */
public final class InvalidInputException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public InvalidInputException(String message) {
        super(message);
    }
}
