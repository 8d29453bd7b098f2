package dev.segdiff.segment;

import dev.segdiff.db.Database;
import dev.segdiff.db.Session;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Measure;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Finds out whether unused segments are gone, whether every segment has its snapshot table, and whether tables have
 * left the trash in time. Snapshot tables without a segment are reported as problems, but the goal can be met
 * nevertheless, because the job removes them by itself.
 */
@ApplicationScoped
class SnapshotCleanupGoal {
    private static final int MAX_PROBLEMS = 20;

    /**
     * How late a segment may be removed before the goal is missed: 24 hours until the next daily run, and 12 hours for
     * a run that is late.
     */
    private static final Duration GRACE_PERIOD = Duration.ofHours(36);

    private static final Map<String, String> MEASURES = new TreeMap<>(Map.of(
            "segments_unused", "Segments that nobody has used for unused-after.",
            "segments_overdue", "Unused segments that should have been removed by now.",
            "segments_without_table", "Segments whose snapshot table is missing.",
            "snapshot_tables", "Snapshot tables.",
            "orphan_tables", "Snapshot tables that no segment knows.",
            "trash_tables", "Tables that wait in the trash, partitions aside.",
            "trash_tables_overdue", "Tables that should have been dropped from the trash by now."));

    private final Database database;
    private final SegmentsConfig config;

    SnapshotCleanupGoal(Database database, SegmentsConfig config) {
        this.database = database;
        this.config = config;
    }

    Goal read() {
        return database.transaction(session -> {
            Map<String, Long> numbers = numbers(session);
            List<String> problems = new ArrayList<>(missing(session));
            problems.addAll(orphans(session));
            boolean met = Stream.of("segments_overdue", "trash_tables_overdue", "segments_without_table")
                    .allMatch(name -> numbers.getOrDefault(name, 0L) == 0);
            String summary = "%d segments unused for more than %d days, %d tables in the trash"
                    .formatted(
                            numbers.get("segments_unused"), config.unusedAfter().toDays(), numbers.get("trash_tables"));
            List<Measure> measures = numbers.entrySet().stream()
                    .map(number ->
                            Measure.of(number.getKey(), number.getValue(), MEASURES.getOrDefault(number.getKey(), "")))
                    .toList();
            return new Goal(met, summary, List.of(), measures, problems);
        });
    }

    private Map<String, Long> numbers(Session session) {
        return session.one(
                """
                select
                    (select count(*) from segdiff.segments
                        where last_used_at < now() - make_interval(secs => ?)) as segments_unused,
                    (select count(*) from segdiff.segments
                        where last_used_at < now() - make_interval(secs => ?)) as segments_overdue,
                    (select count(*) from segdiff.trash
                        where kind <> 'partition' and moved_at is not null) as trash_tables,
                    (select count(*) from segdiff.trash
                        where kind <> 'partition'
                          and moved_at < now() - make_interval(secs => ?)) as trash_tables_overdue,
                    (select count(*) from segdiff.orphan_snapshots) as orphan_tables,
                    (select count(*) from segdiff.segments s where s.current_version is not null
                        and not exists (select from pg_class c where c.oid = s.snapshot)) as segments_without_table,
                    (select count(*) from segdiff.segments s join pg_class c on c.oid = s.snapshot) as snapshot_tables
                """,
                row -> {
                    Map<String, Long> numbers = new TreeMap<>();
                    for (String name : MEASURES.keySet()) {
                        numbers.put(name, row.getLong(name));
                    }
                    return numbers;
                },
                config.unusedAfter().toSeconds(),
                config.unusedAfter().plus(GRACE_PERIOD).toSeconds(),
                config.trashAfter().plus(GRACE_PERIOD).toSeconds());
    }

    private static List<String> missing(Session session) {
        return session.list("""
                select format('segment %1$s/%2$s: its snapshot table is missing; start anew with `segdiff '
                              || case when s.source is null then 'segments load --accept %1$s %2$s`'
                                      else 'run segment-diff --accept %1$s/%2$s`' end,
                              s.customer_id, s.segment_id)
                from segdiff.segments s
                where s.current_version is not null and not exists (select from pg_class c where c.oid = s.snapshot)
                order by s.customer_id, s.segment_id limit ?
                """, row -> row.getString(1), MAX_PROBLEMS);
    }

    private List<String> orphans(Session session) {
        return session.list("""
                select format('table segdiff.%s belongs to no segment; it goes to the trash', o.relname)
                    || coalesce(' after ' || to_char((t.planned_at + make_interval(secs => ?)) at time zone 'UTC',
                                                     'YYYY-MM-DD HH24:MIZ'), '')
                from segdiff.orphan_snapshots o left join segdiff.trash t on t.relation = o.oid
                order by o.relname limit ?
                """, row -> row.getString(1), config.orphanGrace().toSeconds(), MAX_PROBLEMS);
    }
}
