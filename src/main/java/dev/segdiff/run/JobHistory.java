package dev.segdiff.run;

import dev.segdiff.db.Database;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the ledger knows about a job over all its runs, whoever started them. Dry runs do not count. */
@ApplicationScoped
public class JobHistory {
    private final Database database;

    public JobHistory(Database database) {
        this.database = database;
    }

    /**
     * The last run of a job, and its last success.
     *
     * @param completedAt the end of the last ended run in which the job began its work, with any outcome; null if there
     *     is no such run
     * @param took how long that run took; null if there is no such run
     * @param succeededAt the end of the last run that succeeded, or found nothing to do
     * @param successAge how long ago {@code succeededAt} was, by the database's clock
     */
    @RegisterForReflection
    public record Last(
            @Nullable OffsetDateTime completedAt,
            @Nullable Duration took,
            @Nullable OffsetDateTime succeededAt,
            @Nullable Duration successAge) {
        static final Last UNKNOWN = new Last(null, null, null, null);
    }

    /**
     * A sum over all runs that have ended.
     *
     * @param kind what is summed: "outcome", "count" or "wait"
     */
    public record Total(String job, String kind, String name, double total) {}

    public Last last(Job job) {
        return database.transaction(session -> session.one("""
                select done.ended_at, extract(epoch from done.ended_at - done.started_at) * 1000 as millis,
                    success.ended_at as succeeded_at,
                    extract(epoch from clock_timestamp() - success.ended_at) * 1000 as age_millis
                from (values (1)) one
                left join lateral (
                    select started_at, ended_at from segdiff.runs
                    where job = ? and began and not dry_run and ended_at is not null
                    order by run_id desc limit 1) done on true
                left join lateral (
                    select ended_at from segdiff.runs
                    where job = ? and began and not dry_run and outcome in ('SUCCEEDED', 'SKIPPED')
                    order by run_id desc limit 1) success on true
                """, JobHistory::last, job.name(), job.name()));
    }

    public List<Total> totals() {
        return database.transaction(session -> session.list(
                "select job, kind, name, total from segdiff.run_totals order by kind, job, name",
                row -> new Total(row.getString(1), row.getString(2), row.getString(3), row.getDouble(4))));
    }

    private static Last last(ResultSet row) throws SQLException {
        return new Last(
                row.getObject("ended_at", OffsetDateTime.class),
                millis(row, "millis"),
                row.getObject("succeeded_at", OffsetDateTime.class),
                millis(row, "age_millis"));
    }

    private static @Nullable Duration millis(ResultSet row, String column) throws SQLException {
        return Optional.ofNullable(row.getBigDecimal(column))
                .map(millis -> Duration.ofMillis(millis.longValue()))
                .orElse(null);
    }
}
