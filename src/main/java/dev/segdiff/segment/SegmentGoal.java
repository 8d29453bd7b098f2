package dev.segdiff.segment;

import dev.segdiff.db.Database;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Measure;
import dev.segdiff.run.RunConfig;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Finds out whether every segment has its version of today, and what stands in the way. */
@ApplicationScoped
class SegmentGoal {
    private static final int MAX_PROBLEMS = 20;

    private final Database database;
    private final RunConfig config;

    SegmentGoal(Database database, RunConfig config) {
        this.database = database;
        this.config = config;
    }

    Goal read() {
        return database.transaction(session -> {
            List<String> problems = session.list("""
                    select w.customer_id, w.segment_id, w.problem, w.problem_reason, w.problem_day
                    from segdiff.segment_states w
                    where w.problem is not null
                    order by w.problem_since, w.customer_id, w.segment_id limit ?
                    """, SegmentGoal::problem, MAX_PROBLEMS);
            return session.one(
                    """
                    select count(s.customer_id) as segments,
                        count(*) filter (where s.source is not null and (w.day is null or w.day < today)) as due,
                        count(*) filter (where w.problem = 'held_back') as held_back,
                        count(*) filter (where w.problem = 'failed') as failed,
                        min(w.day) filter (where s.source is not null) as oldest_version,
                        (today - min(w.day) filter (where s.source is not null)) * 86400 as age_seconds,
                        today
                    from (select (now() at time zone ?)::date as today) t
                    left join segdiff.segments s on true
                    left join segdiff.segment_states w using (customer_id, segment_id)
                    group by today
                    """, row -> goal(row, problems), config.timeZone().getId());
        });
    }

    private static Goal goal(ResultSet row, List<String> problems) throws SQLException {
        List<Measure> measures = new ArrayList<>();
        measures.add(Measure.of("segments", row.getLong("segments"), "Registered segments."));
        measures.add(Measure.of("segments_due", row.getLong("due"), "Segments without a version of today."));
        measures.add(
                Measure.of("segments_held_back", row.getLong("held_back"), "Segments whose version is held back."));
        measures.add(Measure.of("segments_failed", row.getLong("failed"), "Segments whose last attempt failed."));
        List<String> parts = new ArrayList<>();
        parts.add("%d of %d segments due for %s"
                .formatted(row.getLong("due"), row.getLong("segments"), row.getString("today")));
        String oldest = row.getString("oldest_version");
        if (oldest != null) {
            measures.add(Measure.of(
                    "oldest_version_age_seconds",
                    row.getLong("age_seconds"),
                    "Age of the oldest version of a segment."));
            parts.add("oldest version of " + oldest);
        }
        if (row.getLong("held_back") > 0) {
            parts.add(row.getLong("held_back") + " held back");
        }
        if (row.getLong("failed") > 0) {
            parts.add(row.getLong("failed") + " failed");
        }
        return new Goal(
                row.getLong("due") == 0 && problems.isEmpty(), String.join(", ", parts), List.of(), measures, problems);
    }

    private static String problem(ResultSet row) throws SQLException {
        return "segment %d/%d %s on %s: %s"
                .formatted(
                        row.getLong("customer_id"),
                        row.getLong("segment_id"),
                        row.getString("problem"),
                        row.getString("problem_day"),
                        row.getString("problem_reason"));
    }
}
