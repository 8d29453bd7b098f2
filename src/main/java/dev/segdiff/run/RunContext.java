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

/** What a job needs to know while it runs, and where it tells what it does. */
public final class RunContext {
    /** As many problems as a person reads; the rest is in the job's own tables. */
    private static final int MAX_PROBLEMS = 50;

    /** The sum of all waits. */
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

    /** Settings for a transaction of this run: the audit knows it, and it can only commit while the lease is held, if there is one. */
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

    /** Whether a failure ends the whole run: the connection or the lease is lost. Others end one step of it. */
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

    /** Reports something that a person should look at, in one line that names it. */
    public void problem(String line) {
        if (problems.size() < MAX_PROBLEMS) {
            problems.add(line);
        }
    }

    /**
     * Reports a step that failed, and the run goes on, unless the failure ends it: then it is thrown.
     *
     * @param busy whether something was only in the way, so that the next run may do better
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

    /** Tells what a dry run would run; each statement once, however often it would run. */
    public void wouldRun(String sql) {
        statements.add(sql.strip());
    }

    public List<String> statements() {
        return List.copyOf(statements);
    }

    /** From now on, what the run does counts only while it holds this lease. */
    void hold(Lease taken) {
        lease = taken;
    }

    /** Asks the run to end, for a reason that its schedule does not make up for: a person, or the time budget. */
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

    /** The job itself begins: it is neither paused nor running elsewhere. */
    void begin() {
        begun = true;
    }

    boolean hasBegun() {
        return begun;
    }

    /** Tells that the run has yielded to the application, and why. */
    public void throttled(WaitReason why, Duration waited) {
        waits.merge(why.cause(), waited, Duration::plus);
        waitReasons.put(why.cause(), why.text());
        counts.add(THROTTLED_SECONDS, waited.toSeconds());
    }

    /** How long the run has yielded and why, for people. */
    List<String> waits() {
        return waits.entrySet().stream()
                .map(wait -> "waited " + wait.getValue().toSeconds() + " s: " + waitReasons.get(wait.getKey()))
                .toList();
    }

    /** For the ledger. */
    Map<String, Long> waitSeconds() {
        Map<String, Long> seconds = new TreeMap<>();
        waits.forEach((cause, waited) -> seconds.put(cause.name().toLowerCase(Locale.ROOT), waited.toSeconds()));
        return seconds;
    }
}
