package dev.segdiff.run;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One run while it is in progress: the request, the cancellation, the lease, and the notes of the job. */
public final class RunContext {
    private final long runId;
    private final RunRequest request;
    private final Cancellation cancellation;
    private final RunNotes notes = new RunNotes();
    private volatile @Nullable Lease lease;
    private volatile boolean begun;
    private volatile boolean endedForGood;

    public RunContext(long runId, RunRequest request, Cancellation cancellation) {
        this.runId = runId;
        this.request = request;
        this.cancellation = cancellation;
    }

    /**
     * Settings for a transaction of this run. The audit records the run with each change. If the run has a lease, the
     * transaction can only commit while the lease is held.
     */
    public Settings settings(Settings settings) {
        Settings known = settings.with("segdiff.run", String.valueOf(runId));
        Lease held = lease;
        return held == null ? known : held.fence(known);
    }

    /** Runs work in a transaction with the default bounds that can only commit while this run holds its lease. */
    public <T> T transaction(Database database, Function<Session, T> work) {
        return database.transaction(settings(database.defaults()), cancellation, work);
    }

    /** Runs work in a transaction with the default bounds that can only commit while this run holds its lease. */
    public void inTransaction(Database database, Consumer<Session> work) {
        transaction(database, session -> {
            work.accept(session);
            return 0;
        });
    }

    /**
     * Whether a failure ends the whole run, because the connection or the lease is lost. Other failures end only one
     * step of the run.
     */
    public static boolean isEndedBy(DatabaseException failure) {
        return failure.isLostConnection() || Lease.isLost(failure);
    }

    public long runId() {
        return runId;
    }

    public RunRequest request() {
        return request;
    }

    public Cancellation cancellation() {
        return cancellation;
    }

    /** What the job notes for the report of the run. */
    public RunNotes notes() {
        return notes;
    }

    public Counts counts() {
        return notes.counts();
    }

    /** Notes a problem that a person should look at, in one line that names the thing. */
    public void problem(String line) {
        notes.problem(line);
    }

    /** Notes a statement that a dry run would have run. */
    public void wouldRun(String sql) {
        notes.statement(sql);
    }

    /**
     * Reports a step that failed, and lets the run go on. A failure that ends the whole run is thrown.
     *
     * @param busy whether the step failed only because something was busy, so that the next run may succeed
     */
    public void stepFailed(String subject, DatabaseException failure, boolean busy) {
        if (isEndedBy(failure)) {
            throw failure;
        }
        counts().add(busy ? "busy" : "failed", 1);
        problem(subject + (busy ? " is busy: " : " failed: ") + failure.getMessage());
    }

    /** Gives the run its lease. From now on, its transactions can only commit while the run holds this lease. */
    void hold(Lease taken) {
        lease = taken;
    }

    /**
     * Asks the run to end because of a person or the time budget. The schedule does not make up for a run that ended
     * for such a reason.
     */
    public void endForGood(String why) {
        // A run that a signal is ending is made up for, even if a person asks it to stop before its end.
        endedForGood = endedForGood || !cancellation.isRequested();
        cancellation.request(why);
    }

    boolean isEndedForGood() {
        return endedForGood;
    }

    @Nullable
    Lease lease() {
        return lease;
    }

    /** Records that the job itself begins, as it is neither paused nor running elsewhere. */
    void begin() {
        begun = true;
    }

    boolean hasBegun() {
        return begun;
    }
}
