package dev.segdiff.server.live;

/** What was asked for does not exist. */
public final class NotThereException extends RuntimeException {
    private static final long serialVersionUID = 1;

    NotThereException(String message) {
        super(message);
    }
}
