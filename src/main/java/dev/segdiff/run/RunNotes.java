package dev.segdiff.run;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** What a job notes during a run, for the report: counts, problems, statements and waits. */
public final class RunNotes {
    /** The largest number of problems in a report. A person reads no more, and the rest is in the job's own tables. */
    private static final int MAX_PROBLEMS = 50;

    /** The name of the count that holds the sum of all waits, in seconds. */
    public static final String THROTTLED_SECONDS = "throttled_seconds";

    private final Counts counts = new Counts();
    private final List<String> problems = new CopyOnWriteArrayList<>();
    private final AtomicInteger furtherProblems = new AtomicInteger();
    private final Set<String> statements = Collections.synchronizedSet(new LinkedHashSet<>());
    private final Map<WaitCause, Duration> waits = new ConcurrentSkipListMap<>();
    private final Map<WaitCause, String> waitReasons = new ConcurrentSkipListMap<>();

    public Counts counts() {
        return counts;
    }

    void problem(String line) {
        if (problems.size() < MAX_PROBLEMS) {
            problems.add(line);
        } else {
            furtherProblems.incrementAndGet();
        }
    }

    /** The problems, the number of those that the report leaves out, and for what the run has waited. */
    public List<String> problems() {
        List<String> all = new ArrayList<>(problems);
        if (furtherProblems.get() > 0) {
            all.add("and " + furtherProblems.get() + " more problems");
        }
        all.addAll(waits());
        return List.copyOf(all);
    }

    /** Each statement is noted once, however often it would run. */
    void statement(String sql) {
        statements.add(sql.strip());
    }

    public List<String> statements() {
        return List.copyOf(statements);
    }

    /** Notes that the run has waited for the application's sake, why, and for how long. */
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
