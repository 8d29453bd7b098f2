package dev.segdiff.server.api;

/** The database cannot be used now. The readiness check fails for the same reason. */
public final class NoDatabaseException extends RuntimeException {
    private static final long serialVersionUID = 1;

    NoDatabaseException(String fault) {
        super(fault);
    }
}
