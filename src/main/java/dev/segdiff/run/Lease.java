package dev.segdiff.run;

import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Settings;
import java.time.Duration;

/**
 * The right to run an exclusive job, for as long as it is renewed.
 *
 * @param token grows with every holder; who comes with an older one can commit nothing
 * @param duration how long the lease lasts without a renewal
 */
record Lease(String job, long token, Duration duration) {
    /** Raised by prove_lease. */
    private static final String LOST = "SD002";

    /** Whether a transaction failed because its worker no longer holds the lease. */
    static boolean isLost(DatabaseException failure) {
        return failure.sqlState().equals(LOST);
    }

    /**
     * The transaction proves the token before anything else, and keeps the lease from changing hands until it ends. If
     * the worker stops in the middle, PostgreSQL ends the transaction when the lease has expired.
     */
    Settings fence(Settings settings) {
        return settings.idleTimeout(duration).guardedBy("select segdiff.prove_lease(?, ?)", job, token);
    }
}
