package dev.segdiff.run;

import dev.segdiff.db.Cancellation;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** What a job needs to know while it runs, and where it tells what it does. */
public final class RunContext {
    /** As many problems as a person reads; the rest is in the job's own tables. */
    private static final int MAX_PROBLEMS = 50;

    private final long runId;
    private final RunRequest request;
    private final Cancellation cancellation;
    private final Counts counts = new Counts();
    private final List<String> problems = new CopyOnWriteArrayList<>();

    public RunContext(long runId, RunRequest request, Cancellation cancellation) {
        this.runId = runId;
        this.request = request;
        this.cancellation = cancellation;
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

    public List<String> problems() {
        return List.copyOf(problems);
    }
}
