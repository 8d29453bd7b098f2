package dev.segdiff.run;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The data of one run while it is in progress: the request, the cancellation and the lease, and what the job reports:
 * counts, problems, statements and waits.
 */
public final class RunContext {
    /** The largest number of problems in a report. A person reads no more, and the rest is in the job's own tables. */
    private static final int MAX_PROBLEMS = 50;

    /** The name of the count that holds the sum of all waits, in seconds. */
    public static final String THROTTLED_SECONDS = "throttled_seconds";

    private final long runId;
    private final RunRequest request;
    private final Cancellation cancellation;
    private final Counts counts = new Counts();
    private final List<String> problems = new CopyOnWriteArrayList<>();
    private final Set<String> statements = Collections.synchronizedSet(new LinkedHashSet<>());
    private final Map<WaitCause, Duration> waits = new ConcurrentSkipListMap<>();
    private final Map<WaitCause, String> waitReasons = new ConcurrentSkipListMap<>();
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

    public Counts counts() {
        return counts;
    }

    /** Reports a problem that a person should look at, in one line that names the thing. */
    public void problem(String line) {
        if (problems.size() < MAX_PROBLEMS) {
            problems.add(line);
        }
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
        counts.add(busy ? "busy" : "failed", 1);
        problem(subject + (busy ? " is busy: " : " failed: ") + failure.getMessage());
    }

    public List<String> problems() {
        return List.copyOf(problems);
    }

    /**
     * Records a statement that a dry run would have run. Each statement is recorded once, however often it would run.
     */
    public void wouldRun(String sql) {
        statements.add(sql.strip());
    }

    public List<String> statements() {
        return List.copyOf(statements);
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
        endedForGood = true;
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

    /** Records that the run has waited for the application's sake, why, and for how long. */
    public void throttled(WaitReason why, Duration waited) {
        waits.merge(why.cause(), waited, Duration::plus);
        waitReasons.put(why.cause(), why.text());
        counts.add(THROTTLED_SECONDS, waited.toSeconds());
    }

    /** How long the run has waited and why, in words. */
    List<String> waits() {
        return waits.entrySet().stream()
                .map(wait -> "waited " + wait.getValue().toSeconds() + " s: " + waitReasons.get(wait.getKey()))
                .toList();
    }

    /** The seconds of waiting by cause, for the ledger. */
    Map<String, Long> waitSeconds() {
        Map<String, Long> seconds = new TreeMap<>();
        waits.forEach((cause, waited) -> seconds.put(cause.name().toLowerCase(Locale.ROOT), waited.toSeconds()));
        return seconds;
    }
}
