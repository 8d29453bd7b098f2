package dev.segdiff.run;

/** The causes for which a run waits. */
public enum WaitCause {
    PAUSED("the job is paused"),
    REPLICATION_LAG("replication lag"),
    WAL_ARCHIVER("WAL archiver"),
    QUERY("segdiff.throttle.query"),
    LOCK("a lock that another holds"),
    WAITERS("somebody who waits for rows that a batch has locked");

    private final String text;

    WaitCause(String text) {
        this.text = text;
    }

    @Override
    public String toString() {
        return text;
    }
}
