package dev.segdiff.server.live;

/** The job runs already. The message says where. */
public final class JobBusyException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public JobBusyException(String message) {
        super(message);
    }
}
