package dev.segdiff.pace;

/** What a batch does with rows that another session has locked. */
public enum LockMode {
    /** Waits for the locked rows, for as long as {@code lock_timeout} allows. */
    WAIT,
    /** Takes the rows that are not locked, and leaves the locked rows for a second look. */
    SKIP_LOCKED,
    /** Touches no row: PostgreSQL has refused even the smallest batch here. */
    LEAVE_ALONE
}
