package dev.segdiff.run;

import dev.segdiff.db.Database;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The orders that people give to a job from another shell: pause, resume, a limit of rows per second. An order holds
 * for the present run and all later ones.
 */
@ApplicationScoped
public class JobControls {
    /**
     * @param paused who has paused the job, since when and why, in words; null: not paused
     * @param rowsPerSecond null: no limit
     */
    @RegisterForReflection
    public record Control(@Nullable String paused, @Nullable Long rowsPerSecond) {
        public static final Control NONE = new Control(null, null);
    }

    private final Database database;

    public JobControls(Database database) {
        this.database = database;
    }

    public Control of(Job job) {
        Optional<Control> control =
                database.transaction(session -> session.first("""
                select case when paused_at is not null then
                        format('paused by %s since %s',
                               paused_by, to_char(paused_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SSZ'))
                        || coalesce(': ' || pause_reason, '') end as paused,
                    rows_per_second
                from segdiff.job_controls where job = ?
                """, JobControls::control, job.name()));
        return control.orElse(Control.NONE);
    }

    /** Pauses a job. A run in progress waits before its next step, and a run that starts is skipped. */
    public void pause(Job job, String by, @Nullable String reason) {
        database.inTransaction(session -> session.update("""
                insert into segdiff.job_controls (job, paused_at, paused_by, pause_reason) values (?, now(), ?, ?)
                on conflict (job) do update
                set paused_at = now(), paused_by = excluded.paused_by, pause_reason = excluded.pause_reason
                """, job.name(), by, reason));
    }

    /** Ends the pause of a job; returns false if the job was not paused. */
    public boolean resume(Job job) {
        return database.transaction(session -> session.update("""
                update segdiff.job_controls set paused_at = null, paused_by = null, pause_reason = null
                where job = ? and paused_at is not null
                """, job.name())) > 0;
    }

    /** @param rowsPerSecond null: no limit */
    public void limit(Job job, @Nullable Long rowsPerSecond) {
        database.inTransaction(session -> session.update("""
                insert into segdiff.job_controls (job, rows_per_second) values (?, ?)
                on conflict (job) do update set rows_per_second = excluded.rows_per_second
                """, job.name(), rowsPerSecond));
    }

    private static Control control(ResultSet row) throws SQLException {
        return new Control(row.getString("paused"), row.getObject("rows_per_second", Long.class));
    }
}
