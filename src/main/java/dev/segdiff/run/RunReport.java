package dev.segdiff.run;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.Duration;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A run as the ledger tells it.
 *
 * @param actor whose token asked for it, if it came over HTTP
 * @param outcome null while it runs, or when it was killed
 * @param statements what a dry run would have run
 * @param lost it has no end, and its heartbeat stopped: the process was killed
 */
@RegisterForReflection
public record RunReport(
        long runId,
        String job,
        Trigger.Kind trigger,
        @Nullable String actor,
        String worker,
        LocalDate day,
        boolean dryRun,
        OffsetDateTime startedAt,
        @Nullable Duration duration,
        @Nullable Outcome outcome,
        @Nullable String reason,
        Map<String, Long> counts,
        List<String> problems,
        List<String> statements,
        boolean lost) {
    /** The outcome for people. */
    public String state() {
        if (outcome != null) {
            return outcome.name();
        }
        return lost ? "LOST" : "RUNNING";
    }

    /** Whether it is under way. */
    public boolean lives() {
        return outcome == null && !lost;
    }

    /** What the run counts for: without an end, as failed. */
    public Outcome outcomeOrFailed() {
        return outcome == null ? Outcome.FAILED : outcome;
    }

    /** The same run without what a dry run would have run. */
    public RunReport withoutStatements() {
        return new RunReport(
                runId, job, trigger, actor, worker, day, dryRun, startedAt, duration, outcome, reason, counts, problems,
                List.of(), lost);
    }

    /** The same run with newer counts than the ledger knows. */
    public RunReport withCounts(Map<String, Long> newer) {
        return new RunReport(
                runId,
                job,
                trigger,
                actor,
                worker,
                day,
                dryRun,
                startedAt,
                duration,
                outcome,
                reason,
                newer,
                problems,
                statements,
                lost);
    }
}
