package dev.segdiff.db;

/** The run was asked to end. Its transaction is rolled back, and the next run continues. */
public final class CancelledException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public CancelledException(String reason) {
        super(reason);
    }
}
