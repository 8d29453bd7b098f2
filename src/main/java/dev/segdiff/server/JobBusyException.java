package dev.segdiff.server;

/** The job runs already, and the message tells where. */
final class JobBusyException extends RuntimeException {
    private static final long serialVersionUID = 1;

    JobBusyException(String message) {
        super(message);
    }
}
