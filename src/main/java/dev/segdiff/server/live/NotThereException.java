package dev.segdiff.server.live;

/** The job or run that a request names does not exist. */
public final class NotThereException extends RuntimeException {
    private static final long serialVersionUID = 1;

    NotThereException(String message) {
        super(message);
    }
}
