package dev.segdiff.segment;

import dev.segdiff.db.Database;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Finds the segments that changed most in the last days, and how they changed. */
@ApplicationScoped
public class SegmentTrends {
    private static final Duration QUERY_TIMEOUT = Duration.ofSeconds(2);

    private final Database database;

    public SegmentTrends(Database database) {
        this.database = database;
    }

    /** The numbers of contacts that were added and removed on a day. */
    public record Day(LocalDate day, long added, long removed) {}

    /**
     * A segment and its days with a version, the oldest first.
     *
     * @param contacts the number of contacts of its newest version
     */
    public record Trend(SegmentKey key, long contacts, List<Day> days) {
        public long added() {
            return days.stream().mapToLong(Day::added).sum();
        }

        public long removed() {
            return days.stream().mapToLong(Day::removed).sum();
        }
    }

    /**
     * The segments with most additions and removals in the days up to the newest version of any segment, those with
     * most changes first.
     */
    public List<Trend> liveliest(int segments, int days) {
        Map<SegmentKey, Trend> trends = new LinkedHashMap<>();
        database.ask(
                QUERY_TIMEOUT,
                session -> session.list(
                        """
                with newest as (select max(day) as day from segdiff.segment_versions),
                daily as (
                    select v.customer_id, v.segment_id, v.day, sum(v.added) as added, sum(v.removed) as removed
                    from segdiff.segment_versions v cross join newest
                    where v.day > newest.day - ? and not v.baseline
                    group by v.customer_id, v.segment_id, v.day),
                liveliest as (
                    select customer_id, segment_id, sum(added + removed) as changes
                    from daily group by customer_id, segment_id
                    having sum(added + removed) > 0
                    order by changes desc, customer_id, segment_id limit ?)
                select l.customer_id, l.segment_id, d.day, d.added, d.removed, coalesce(v.contacts, 0) as contacts
                from liveliest l
                join daily d using (customer_id, segment_id)
                join segdiff.segments s using (customer_id, segment_id)
                left join segdiff.segment_versions v on v.version = s.current_version
                order by l.changes desc, l.customer_id, l.segment_id, d.day
                """,
                        row -> {
                            SegmentKey key = new SegmentKey(row.getLong("customer_id"), row.getLong("segment_id"));
                            long contacts = row.getLong("contacts");
                            return trends.computeIfAbsent(key, k -> new Trend(k, contacts, new ArrayList<>()))
                                    .days()
                                    .add(new Day(
                                            row.getObject("day", LocalDate.class),
                                            row.getLong("added"),
                                            row.getLong("removed")));
                        },
                        days,
                        segments));
        return List.copyOf(trends.values());
    }
}
