package dev.segdiff.run;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.Duration;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A run as the ledger records it.
 *
 * @param actor the name of the token that asked for the run over HTTP; null: the run did not come over HTTP
 * @param outcome how the run ended; null while it runs, or if it was killed
 * @param statements the statements that a dry run would have run
 * @param lost whether the run has no end and its heartbeat has stopped, because its process was killed
 */
@RegisterForReflection
public record RunReport(
        long runId,
        String job,
        RunOrigin.Kind trigger,
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
    /** The outcome in one word for people; RUNNING or LOST if there is none. */
    public String state() {
        if (outcome != null) {
            return outcome.name();
        }
        return lost ? "LOST" : "RUNNING";
    }

    /** Whether the run is in progress. */
    public boolean lives() {
        return outcome == null && !lost;
    }

    /** The outcome; a run without an outcome counts as failed. */
    public Outcome outcomeOrFailed() {
        return outcome == null ? Outcome.FAILED : outcome;
    }

    /** The same report without the statements of a dry run. */
    public RunReport withoutStatements() {
        return new RunReport(
                runId, job, trigger, actor, worker, day, dryRun, startedAt, duration, outcome, reason, counts, problems,
                List.of(), lost);
    }

    /** The same report with newer counts than those in the ledger. */
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
