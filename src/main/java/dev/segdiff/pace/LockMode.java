package dev.segdiff.pace;

/** What a batch does with rows that another session has locked. */
public enum LockMode {
    /** Waits for them, for as long as {@code lock_timeout} allows. */
    WAIT,
    /** Takes the others, and leaves the locked ones for a second look. */
    SKIP_LOCKED,
    /** Touches no row: PostgreSQL has refused even the smallest batch here. */
    LEAVE_ALONE
}
