package dev.segdiff.server;

/** The database cannot be worked with now; readiness says so, too. */
final class NoDatabaseException extends RuntimeException {
    private static final long serialVersionUID = 1;

    NoDatabaseException(String fault) {
        super(fault);
    }
}
