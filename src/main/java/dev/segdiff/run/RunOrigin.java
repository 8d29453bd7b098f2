package dev.segdiff.run;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Where the request for a run came from.
 *
 * @param actor the name of the token that asked over HTTP
 * @param requestId the id of the HTTP request, for the log
 * @param schedule the schedule that asked: its cron expression and zone
 * @param plannedAt the time for which the schedule has planned the run
 */
public record RunOrigin(
        Kind kind,
        @Nullable String actor,
        @Nullable String requestId,
        @Nullable String schedule,
        @Nullable Instant plannedAt) {
    /** The command line: a person or a CronJob. */
    public static final RunOrigin COMMAND = new RunOrigin(Kind.COMMAND, null, null, null, null);

    /** The ways in which a run can be asked for. */
    public enum Kind {
        COMMAND,
        SCHEDULE,
        HTTP
    }

    public static RunOrigin http(String actor, String requestId) {
        return new RunOrigin(Kind.HTTP, actor, requestId, null, null);
    }

    public static RunOrigin schedule(String schedule, Instant plannedAt) {
        return new RunOrigin(Kind.SCHEDULE, null, null, schedule, plannedAt);
    }

    /** The text for the log. */
    @Override
    public String toString() {
        return kind + (actor == null ? "" : " actor=" + actor) + (requestId == null ? "" : " request=" + requestId);
    }
}
