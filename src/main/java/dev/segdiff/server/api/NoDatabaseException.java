package dev.segdiff.server.api;

/** The database cannot be used now. The readiness probe says so, too. */
public final class NoDatabaseException extends RuntimeException {
    private static final long serialVersionUID = 1;

    NoDatabaseException(String fault) {
        super(fault);
    }
}
