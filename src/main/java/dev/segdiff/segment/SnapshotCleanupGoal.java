package dev.segdiff.segment;

import dev.segdiff.db.Database;
import dev.segdiff.db.Session;
import dev.segdiff.run.Goal;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Whether unused segments are gone, and every snapshot table has its segment and every segment its table. */
@ApplicationScoped
class SnapshotCleanupGoal {
    private static final int MAX_PROBLEMS = 20;

    /** A daily run, and half a day of being late. */
    private static final Duration TOLERANCE = Duration.ofHours(36);

    private static final List<String> MEASURES =
            List.of("unused", "overdue", "in_trash", "trash_overdue", "orphans", "missing");

    private final Database database;
    private final SegmentsConfig config;

    SnapshotCleanupGoal(Database database, SegmentsConfig config) {
        this.database = database;
        this.config = config;
    }

    Goal read() {
        return database.transaction(session -> {
            Map<String, Object> measures = measures(session);
            List<String> problems = new ArrayList<>(missing(session));
            problems.addAll(orphans(session));
            boolean overdue = number(measures, "overdue") > 0 || number(measures, "trash_overdue") > 0;
            String summary = "%d segments unused for more than %d days, %d tables in the trash"
                    .formatted(number(measures, "unused"), config.unusedAfter().toDays(), number(measures, "in_trash"));
            return new Goal(!overdue && number(measures, "missing") == 0, summary, List.of(), measures, problems);
        });
    }

    private Map<String, Object> measures(Session session) {
        return session.one(
                """
                select
                    (select count(*) from segdiff.segments where last_used_at < now() - make_interval(secs => ?)) as unused,
                    (select count(*) from segdiff.segments where last_used_at < now() - make_interval(secs => ?)) as overdue,
                    (select count(*) from segdiff.trash where kind <> 'partition' and moved_at is not null) as in_trash,
                    (select count(*) from segdiff.trash where kind <> 'partition' and moved_at < now() - make_interval(secs => ?)) as trash_overdue,
                    (select count(*) from segdiff.orphan_snapshots) as orphans,
                    (select count(*) from segdiff.segments s where s.current_version is not null
                        and not exists (select from pg_class c where c.oid = s.snapshot)) as missing
                """,
                row -> {
                    Map<String, Object> measures = new LinkedHashMap<>();
                    for (String name : MEASURES) {
                        measures.put(name, row.getLong(name));
                    }
                    return measures;
                },
                config.unusedAfter().toSeconds(),
                config.unusedAfter().plus(TOLERANCE).toSeconds(),
                config.trashAfter().plus(TOLERANCE).toSeconds());
    }

    private static List<String> missing(Session session) {
        return session.list("""
                select format('segment %s/%s: its snapshot table is missing; start anew with `segdiff run segment-diff --accept %s/%s`',
                              s.customer_id, s.segment_id, s.customer_id, s.segment_id)
                from segdiff.segments s
                where s.current_version is not null and not exists (select from pg_class c where c.oid = s.snapshot)
                order by s.customer_id, s.segment_id limit ?
                """, row -> row.getString(1), MAX_PROBLEMS);
    }

    private List<String> orphans(Session session) {
        return session.list("""
                select format('table segdiff.%s belongs to no segment; it goes to the trash', o.relname)
                    || coalesce(' after ' || to_char((t.planned_at + make_interval(secs => ?)) at time zone 'UTC', 'YYYY-MM-DD HH24:MIZ'), '')
                from segdiff.orphan_snapshots o left join segdiff.trash t on t.relation = o.oid
                order by o.relname limit ?
                """, row -> row.getString(1), config.orphanGrace().toSeconds(), MAX_PROBLEMS);
    }

    private static long number(Map<String, Object> measures, String name) {
        return (Long) measures.getOrDefault(name, 0L);
    }
}
