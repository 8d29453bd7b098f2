package dev.segdiff.server.live;

/** The job runs already, and the message tells where. */
public final class JobBusyException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public JobBusyException(String message) {
        super(message);
    }
}
