package dev.segdiff.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.segdiff.db.Cancellation;
import dev.segdiff.db.CancelledException;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Retry;
import dev.segdiff.db.Session;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The ledger of all runs, the table {@code segdiff.runs}. It has one row for every run, which says what was asked for,
 * how far the run is, and how it ended.
 */
@ApplicationScoped
public class RunLedger {
    /** How often a run records that it lives. With a short lease, it records this more often. */
    static final Duration HEARTBEAT = Duration.ofSeconds(5);

    /**
     * The time without a heartbeat after which a run counts as lost: twelve heartbeats, one minute. So a living worker
     * does not count as lost when a few heartbeats fail, and people see within a minute that a process was killed.
     */
    static final Duration LOST_AFTER = HEARTBEAT.multipliedBy(12);

    private static final String COLUMNS = """
            run_id, job, trigger, actor, worker, day, dry_run,
            started_at, outcome, reason, counts, problems, statements,
            extract(epoch from ended_at - started_at) * 1000 as millis,
            ended_at is null and heartbeat_at < clock_timestamp() - make_interval(secs => %d) as lost
            """.formatted(LOST_AFTER.toSeconds());

    private final Database database;
    private final ObjectMapper json;

    public RunLedger(Database database, ObjectMapper json) {
        this.database = database;
        this.json = json;
    }

    /**
     * Opens the row of a run. It also closes the rows of runs of the same job whose process was killed.
     *
     * @return the id of the run; empty if another worker makes the run for this planned time of the schedule
     */
    OptionalLong open(String job, RunRequest request, String worker) {
        try {
            return insert(job, request, worker);
        } catch (DatabaseException e) {
            if (e.isReadOnly()) {
                throw new InvalidInputException("the server only reads, as a standby does: connect to the primary");
            }
            throw e;
        }
    }

    private OptionalLong insert(String job, RunRequest request, String worker) {
        RunOrigin origin = request.origin();
        return durable(session -> {
            closeVanished(session, job);
            return session
                    .list(
                            """
                            insert into segdiff.runs
                                (job, trigger, actor, worker, day, dry_run, schedule, planned_at, attempt)
                            select asked.*, 1 + (select count(*) from segdiff.runs r
                                                 where r.job = asked.job and r.planned_at = asked.planned_at)
                            from (select ?, ?, ?, ?, ?::date, ?, ?, ?::timestamptz)
                                as asked (job, trigger, actor, worker, day, dry_run, schedule, planned_at)
                            where asked.planned_at is null or
                            """ + PlannedRuns.OPEN + """
                            on conflict (job, planned_at, attempt) where planned_at is not null do nothing
                            returning run_id
                            """,
                            row -> row.getLong(1),
                            job,
                            origin.kind().name(),
                            origin.actor(),
                            worker,
                            request.day(),
                            request.dryRun(),
                            origin.schedule(),
                            origin.plannedAt() == null
                                    ? null
                                    : origin.plannedAt().atOffset(ZoneOffset.UTC))
                    .stream()
                    .mapToLong(Long::longValue)
                    .findFirst();
        });
    }

    private static void closeVanished(Session session, String job) {
        session.update("""
                update segdiff.runs
                set ended_at = heartbeat_at, outcome = 'INTERRUPTED', reason = 'the process vanished',
                    resumes = stop_requested_by is null
                where job = ? and ended_at is null and heartbeat_at < clock_timestamp() - make_interval(secs => ?)
                """, job, LOST_AFTER.toSeconds());
    }

    /**
     * Records that the run lives, and what it has counted so far. Returns who wants the run to stop; empty if nobody
     * does.
     */
    Optional<String> beat(RunContext context) {
        return database.transaction(session -> session.first(
                        """
                        update segdiff.runs set heartbeat_at = clock_timestamp(), began = ?, counts = ?::jsonb
                        where run_id = ? and ended_at is null
                        returning stop_requested_by
                        """,
                        row -> Optional.ofNullable(row.getString(1)),
                        context.hasBegun(),
                        write(context.counts().snapshot()),
                        context.runId()))
                .flatMap(stop -> stop);
    }

    /**
     * Asks a run to stop, wherever it runs. Its worker learns this with the next heartbeat. Returns false if the run
     * has ended.
     */
    public boolean requestStop(long runId, String by) {
        return database.transaction(session -> session.update(
                        "update segdiff.runs set stop_requested_by = coalesce(stop_requested_by, ?)"
                                + " where run_id = ? and ended_at is null",
                        by,
                        runId))
                > 0;
    }

    /**
     * Closes the row of a run with its result.
     *
     * @throws CancelledException if the ledger has no such row, because a standby or a backup has taken over that never
     *     had it
     */
    RunReport close(RunContext context, Result result) {
        return durable(session -> session.first(
                        """
                update segdiff.runs
                set ended_at = clock_timestamp(), heartbeat_at = clock_timestamp(),
                    outcome = ?, reason = ?, began = ?, resumes = ?,
                    counts = ?::jsonb, problems = ?::jsonb, statements = ?::jsonb, waits = ?::jsonb
                where run_id = ?
                returning
                """ + COLUMNS,
                        this::report,
                        result.outcome().name(),
                        result.reason(),
                        context.hasBegun(),
                        result.outcome() == Outcome.INTERRUPTED && !context.isEndedForGood(),
                        write(context.counts().snapshot()),
                        write(context.notes().problems()),
                        write(context.notes().statements()),
                        write(context.notes().waitSeconds()),
                        context.runId()))
                .orElseThrow(() -> new CancelledException("run " + context.runId()
                        + " is not in the ledger any more, as if another server had taken over;" + " start it again"));
    }

    /** The newest runs of one job or of all jobs, the newest first. */
    public List<RunReport> latest(@Nullable String job, int limit) {
        return before(Long.MAX_VALUE, job, limit);
    }

    /** The runs with a smaller number than this one, of one job or of all jobs, the newest first. */
    public List<RunReport> before(long runId, @Nullable String job, int limit) {
        return database.transaction(session -> session.list(
                "select " + COLUMNS + " from segdiff.runs where run_id < ? and (?::text is null or job = ?)"
                        + " order by run_id desc limit ?",
                this::report,
                runId,
                job,
                job,
                limit));
    }

    public Optional<RunReport> find(long runId) {
        return database.transaction(session ->
                session.first("select " + COLUMNS + " from segdiff.runs where run_id = ?", this::report, runId));
    }

    public Optional<RunReport> last(String job) {
        return latest(job, 1).stream().findFirst();
    }

    /** Runs a transaction, and tries it again if the database is away for a moment. */
    private <T> T durable(Function<Session, T> work) {
        return Retry.DEFAULT.run(new Cancellation(), DatabaseException::isTransient, () -> database.transaction(work));
    }

    private RunReport report(ResultSet row) throws SQLException {
        String outcome = row.getString("outcome");
        return new RunReport(
                row.getLong("run_id"),
                row.getString("job"),
                RunOrigin.Kind.valueOf(row.getString("trigger")),
                row.getString("actor"),
                row.getString("worker"),
                row.getObject("day", LocalDate.class),
                row.getBoolean("dry_run"),
                row.getObject("started_at", OffsetDateTime.class),
                outcome == null ? null : Duration.ofMillis(row.getLong("millis")),
                outcome == null ? null : Outcome.valueOf(outcome),
                row.getString("reason"),
                read(row.getString("counts"), new TypeReference<Map<String, Long>>() {}),
                read(row.getString("problems"), new TypeReference<List<String>>() {}),
                read(row.getString("statements"), new TypeReference<List<String>>() {}),
                row.getBoolean("lost"));
    }

    private String write(Object value) {
        try {
            return json.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private <T> T read(String text, TypeReference<T> type) {
        try {
            return json.readValue(text, type);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
