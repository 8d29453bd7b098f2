package dev.segdiff.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.segdiff.db.Cancellation;
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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One row for every run: what was asked, what came of it, and that it lives. */
@ApplicationScoped
public class RunLedger {
    static final Duration HEARTBEAT = Duration.ofSeconds(5);

    /** Twelve heartbeats missed: slower than any pause of a living worker, faster than a person's question. */
    private static final Duration LOST_AFTER = HEARTBEAT.multipliedBy(12);

    private static final String COLUMNS = """
            run_id, job, trigger, worker, day, dry_run, started_at, outcome, reason, counts, problems, statements,
            extract(epoch from ended_at - started_at) * 1000 as millis,
            ended_at is null and heartbeat_at < clock_timestamp() - make_interval(secs => %d) as lost
            """.formatted(LOST_AFTER.toSeconds());

    private final Database database;
    private final ObjectMapper json;

    public RunLedger(Database database, ObjectMapper json) {
        this.database = database;
        this.json = json;
    }

    /** Opens the row of a run; runs of the same job that were killed are closed on the way. */
    long open(String job, RunRequest request, String worker) {
        try {
            return insert(job, request, worker);
        } catch (DatabaseException e) {
            if (e.isReadOnly()) {
                throw new InvalidInputException("the server only reads, as a standby does: connect to the primary");
            }
            throw e;
        }
    }

    private long insert(String job, RunRequest request, String worker) {
        return durable(session -> {
            session.update("""
                    update segdiff.runs
                    set ended_at = heartbeat_at, outcome = 'INTERRUPTED', reason = 'the process vanished'
                    where job = ? and ended_at is null and heartbeat_at < clock_timestamp() - make_interval(secs => ?)
                    """, job, LOST_AFTER.toSeconds());
            return session.one(
                    """
                    insert into segdiff.runs (job, trigger, worker, day, dry_run) values (?, ?, ?, ?, ?)
                    returning run_id
                    """, row -> row.getLong(1), job, request.trigger().name(), worker, request.day(), request.dryRun());
        });
    }

    void beat(RunContext context) {
        database.inTransaction(session -> session.update(
                "update segdiff.runs set heartbeat_at = clock_timestamp(), counts = ?::jsonb where run_id = ? and ended_at is null",
                write(context.counts().snapshot()),
                context.runId()));
    }

    RunReport close(RunContext context, Result result) {
        return durable(session -> session.one(
                """
                update segdiff.runs
                set ended_at = clock_timestamp(), heartbeat_at = clock_timestamp(), outcome = ?, reason = ?,
                    counts = ?::jsonb, problems = ?::jsonb, statements = ?::jsonb
                where run_id = ?
                returning
                """ + COLUMNS,
                this::report,
                result.outcome().name(),
                result.reason(),
                write(context.counts().snapshot()),
                write(context.problems()),
                write(context.statements()),
                context.runId()));
    }

    /** The newest runs first, of one job or of all. */
    public List<RunReport> latest(@Nullable String job, int limit) {
        return database.transaction(session -> session.list(
                "select " + COLUMNS
                        + " from segdiff.runs where ?::text is null or job = ? order by run_id desc limit ?",
                this::report,
                job,
                job,
                limit));
    }

    public Optional<RunReport> last(String job) {
        return latest(job, 1).stream().findFirst();
    }

    /** The ledger outlives a short absence of the database. */
    private <T> T durable(Function<Session, T> work) {
        return Retry.DEFAULT.run(new Cancellation(), DatabaseException::isTransient, () -> database.transaction(work));
    }

    private RunReport report(ResultSet row) throws SQLException {
        String outcome = row.getString("outcome");
        return new RunReport(
                row.getLong("run_id"),
                row.getString("job"),
                Trigger.valueOf(row.getString("trigger")),
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
