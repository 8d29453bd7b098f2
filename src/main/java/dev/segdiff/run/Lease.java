package dev.segdiff.run;

import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Settings;
import java.time.Duration;

/**
 * The right to run an exclusive job, for as long as it is renewed.
 *
 * @param token a number that grows with every holder; a transaction with an older token cannot commit
 * @param duration how long the lease lasts without a renewal
 */
record Lease(String job, long token, Duration duration) {
    /** The SQL state that the function {@code segdiff.prove_lease} raises. */
    private static final String LOST = "SD002";

    /** Whether a transaction has failed because its worker no longer holds the lease. */
    static boolean isLost(DatabaseException failure) {
        return failure.sqlState().equals(LOST);
    }

    /**
     * Settings for a transaction that can only commit while the lease is held. The transaction first proves the token,
     * and then keeps other workers from taking the lease until it ends. If the worker stops in the middle, PostgreSQL
     * ends the transaction after the duration of the lease.
     */
    Settings fence(Settings settings) {
        return settings.idleTimeout(duration).guardedBy("select segdiff.prove_lease(?, ?)", job, token);
    }
}
