package dev.segdiff.segment;

import static dev.segdiff.segment.SegmentFixture.DAY;
import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.db.Cancellation;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.TestDatabase;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The property that everything rests on: the net changes from any version to any later one, applied to the first's
 * members, give the second's. Histories are random, with replays, gaps, forced days and kills; a seed names a history.
 */
class SegmentHistoryTest {
    private static final int STEPS = 15;

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void netChangesLeadFromAnyVersionToAnyLaterOne(long seed) {
        Random random = new Random(seed);
        SegmentFixture segments = new SegmentFixture(db, "segdiff.segments.max-removed", "100%");
        SegmentKey key = segments.segment(1);
        TreeMap<Long, Set<Long>> versions = new TreeMap<>();
        LocalDate day = DAY;
        for (int step = 0; step < STEPS; step++) {
            Set<Long> members = randomMembers(random);
            segments.contacts(key, members.stream().mapToLong(id -> id).toArray());
            day = day.plusDays(random.nextInt(4) == 0 ? random.nextInt(40) : 1);
            boolean forced = random.nextInt(5) == 0;
            if (forced && random.nextBoolean()) {
                day = day.minusDays(1);
            }
            act(random, segments, day, forced);
            // Whatever was killed, a run afterwards does the rest; it changes nothing when the day is done.
            segments.run(day);
            remember(segments, key, versions);
        }

        versions.keySet().removeIf(version -> !isRetained(version));
        assertThat(versions).hasSizeGreaterThan(3);
        versions.forEach((since, members) -> {
            assertThat(membersAt(since)).isEqualTo(members);
            versions.tailMap(since).forEach((until, later) -> assertThat(apply(members, since, until))
                    .as("seed %d, from version %d to %d", seed, since, until)
                    .isEqualTo(later));
        });
        assertThat(db.rows("""
                        select v.version from segdiff.segment_versions v
                        left join lateral (select count(*) filter (where added) as added, count(*) filter (where not added) as removed
                                           from segdiff.segment_diffs d where d.version = v.version) d on true
                        where not v.baseline and (v.added, v.removed) is distinct from (d.added, d.removed)
                          and v.day >= (select max(day) - 90 from segdiff.segment_versions)
                        """))
                .as("versions whose counts are not those of their diffs")
                .isEmpty();
    }

    /** A run, undisturbed, forced, or with its sessions killed at some moment. */
    private void act(Random random, SegmentFixture segments, LocalDate day, boolean forced) {
        switch (random.nextInt(3)) {
            case 0 -> segments.run(forced ? SegmentFixture.forced(day) : SegmentFixture.request(day));
            case 1 -> {
                Cancellation cancellation = new Cancellation();
                CompletableFuture<RunReport> run =
                        CompletableFuture.supplyAsync(() -> segments.run(SegmentFixture.request(day), cancellation));
                cancellation.await(random.nextInt(30));
                cancellation.request("killed");
                run.join();
            }
            default -> {
                CompletableFuture<RunReport> run =
                        CompletableFuture.supplyAsync(() -> segments.run(SegmentFixture.request(day)));
                new Cancellation().await(random.nextInt(30));
                db.rows("""
                        select pg_terminate_backend(pid) from pg_stat_activity
                        where datname = current_database() and pid <> pg_backend_pid() and query like '%segdiff%'
                        """);
                run.join();
            }
        }
    }

    private static Set<Long> randomMembers(Random random) {
        double share = random.nextDouble();
        return random.longs(60, 0, 40)
                .filter(id -> random.nextDouble() < share)
                .boxed()
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private void remember(SegmentFixture segments, SegmentKey key, TreeMap<Long, Set<Long>> versions) {
        versions.put(
                segments.version(key),
                segments.members(key).stream().map(Long::valueOf).collect(Collectors.toCollection(TreeSet::new)));
    }

    private boolean isRetained(long since) {
        return db.value("select segdiff.is_retained(7, 1, %d)".formatted(since)).equals("t");
    }

    private Set<Long> membersAt(long version) {
        return db.rows("select * from segdiff.members(7, 1, %d)".formatted(version)).stream()
                .map(Long::valueOf)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private Set<Long> apply(Set<Long> members, long since, long until) {
        Set<Long> result = new TreeSet<>(members);
        List<String> clashes = new ArrayList<>();
        for (String row : db.rows("select * from segdiff.net_changes(7, 1, %d, %d)".formatted(since, until))) {
            String[] change = row.split("\\|");
            long id = Long.parseLong(change[0]);
            boolean changed = change[1].equals("t") ? result.add(id) : result.remove(id);
            if (!changed) {
                clashes.add(row);
            }
        }
        assertThat(clashes).as("changes that change nothing").isEmpty();
        return result;
    }
}
