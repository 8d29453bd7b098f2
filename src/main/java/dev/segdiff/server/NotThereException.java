package dev.segdiff.server;

/** What was asked for does not exist. */
final class NotThereException extends RuntimeException {
    private static final long serialVersionUID = 1;

    NotThereException(String message) {
        super(message);
    }
}
