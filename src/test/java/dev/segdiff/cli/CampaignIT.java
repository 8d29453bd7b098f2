package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Await;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.TestDatabase;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random ends of random jobs: {@code kill -9} of the process, or of all its sessions in the database, aimed at the run
 * by its ledger row. After each of them nothing may be wrong. {@code ./mvnw -Pcampaign verify} makes a thousand; a seed
 * replays a campaign: {@code -Dsegdiff.test.seed=7}.
 */
@Timeout(value = 8, unit = TimeUnit.HOURS)
class CampaignIT {
    private static final int FAULTS = Integer.getInteger("segdiff.test.faults", 12);
    private static final long SEED = Long.getLong("segdiff.test.seed", 20261125);
    private static final int SEGMENTS = 4;
    private static final int YOUNG = 500;
    private static final List<String> WHAT =
            List.of("segment-diff", "snapshot-cleanup", "event-expiry", "index-maintenance", "undo", "serve");

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    private final Random random = new Random(SEED);
    private final Map<String, Integer> faults = new TreeMap<>();
    private final Map<String, Integer> hits = new TreeMap<>();
    private LocalDate day = LocalDate.of(2026, 3, 1);

    private Segdiff segdiff() {
        return new Segdiff(directory)
                .on(db)
                .with("SEGDIFF_EVENTS_E_TABLE", "public.event")
                .with("SEGDIFF_EVENTS_E_TIME_COLUMN", "created_at")
                .with("SEGDIFF_EVENTS_E_RETENTION", "90d")
                .with("SEGDIFF_EVENTS_P_TABLE", "public.part")
                .with("SEGDIFF_EVENTS_P_TIME_COLUMN", "created_at")
                .with("SEGDIFF_EVENTS_P_RETENTION", "90d")
                .with("SEGDIFF_EVENTS_P_PARTITIONS_AHEAD", "0")
                .with("SEGDIFF_BATCH_MAX_ROWS", "200")
                .with("SEGDIFF_INDEX_MIN_SIZE", "64kB")
                .with("QUARKUS_HTTP_PORT", "0")
                .with("SEGDIFF_LEASE_DURATION", "1s");
    }

    @Test
    void nothingIsWrongAfterAnyEnd() throws Exception {
        prepare();
        for (int i = 0; i < FAULTS; i++) {
            String what = WHAT.get(i % WHAT.size());
            work(i);
            boolean hit = disturb(what);
            faults.merge(what, 1, Integer::sum);
            hits.merge(what, hit ? 1 : 0, Integer::sum);
            sessionsAreGone();
            assertThat(violations()).as("fault %d, %s, seed %d", i, what, SEED).isEmpty();
        }
        settled();
        System.out.printf(
                "campaign: seed %d, faults %s, of these in an open run %s, violations: 0%n", SEED, faults, hits);
        assertThat(hits.values().stream().mapToInt(Integer::intValue).sum())
                .as("faults that hit an open run")
                .isPositive();
    }

    private void prepare() {
        db.execute(
                "create table moments (day date, segment_id bigint, contact_id bigint)",
                "create table source (segment_id bigint, contact_id bigint)",
                "create view audience as select segment_id, contact_id from source where (select pg_sleep(0.02)) is not null",
                "insert into segdiff.segments (customer_id, segment_id, source) select 7, s, 'public.audience' from generate_series(1, %d) s"
                        .formatted(SEGMENTS),
                "insert into source select s, c from generate_series(1, %d) s, generate_series(1, 200) c"
                        .formatted(SEGMENTS),
                "create table event (id bigint generated always as identity primary key, created_at timestamptz not null, note text)",
                "create index event_time on event (created_at)",
                "insert into event (created_at) select now() - g * interval '1 hour' from generate_series(1, %d) g"
                        .formatted(YOUNG),
                "create table part (created_at timestamptz not null) partition by range (created_at)",
                "create table part_now partition of part for values from ('2020-01-01') to (maxvalue)",
                "insert into part select now() from generate_series(1, %d)".formatted(YOUNG));
        db.giveToWorker("part");
        db.giveToWorker("event");
    }

    /** What each job needs to have something to do. */
    private void work(int round) {
        day = day.plusDays(1);
        db.execute(
                "delete from source where contact_id %% 20 = %d".formatted(round % 20),
                "insert into source select s, %d + c from generate_series(1, %d) s, generate_series(1, 15) c"
                        .formatted(1000 + round * 100, SEGMENTS),
                "insert into moments select '%s', segment_id, contact_id from source".formatted(day),
                "insert into event (created_at) select now() - interval '91 days' - g * interval '1 second' from generate_series(1, 400) g",
                """
                create table part_old_%1$d partition of part for values from ('%2$s') to ('%3$s')
                """.formatted(
                                round,
                                LocalDate.of(1990, 1, 1).plusDays(round),
                                LocalDate.of(1990, 1, 2).plusDays(round)),
                "insert into part values ('%s 12:00:00')"
                        .formatted(LocalDate.of(1990, 1, 1).plusDays(round)),
                "insert into segdiff.segments (customer_id, segment_id, source, last_used_at) values (8, %d, 'public.audience', now() - interval '40 days') on conflict do nothing"
                        .formatted(round));
        db.giveToWorker("part");
    }

    /** True if the fault hit a run whose ledger row was open. */
    private boolean disturb(String what) throws Exception {
        long before = Long.parseLong(db.value("select coalesce(max(run_id), 0) from segdiff.runs"));
        Process process = segdiff().start(arguments(what));
        if (what.equals("undo")) {
            Await.until("it works or has ended", () -> !process.isAlive() || sessions() > 0);
        } else if (!what.equals("serve")) {
            Await.until(
                    "its run is in the ledger",
                    () -> !process.isAlive()
                            || Long.parseLong(db.value("select coalesce(max(run_id), 0) from segdiff.runs")) > before);
        }
        process.waitFor(random.nextInt(what.equals("serve") ? 1500 : 400), TimeUnit.MILLISECONDS);
        boolean open = what.equals("undo")
                ? process.isAlive()
                : !db.value("select count(*) from segdiff.runs where ended_at is null and run_id > " + before)
                        .equals("0");
        if (random.nextInt(4) == 0) {
            db.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'segdiff'");
            process.waitFor(300, TimeUnit.MILLISECONDS);
        }
        process.destroyForcibly().waitFor();
        return open;
    }

    private String[] arguments(String what) {
        return switch (what) {
            case "segment-diff" -> new String[] {"run", what, "--day", day.toString()};
            case "undo" -> {
                List<String> runs = db.rows(
                        "select run_id from segdiff.trash where moved_at is not null and run_id is not null and kind = 'partition' order by trash_id desc limit 1");
                yield new String[] {"undo", runs.isEmpty() ? "1" : runs.get(0), "--yes"};
            }
            case "serve" -> new String[] {"serve"};
            default -> new String[] {"run", what};
        };
    }

    private long sessions() {
        return Long.parseLong(
                db.value(
                        "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'segdiff'"));
    }

    /** A backend whose client is gone ends with its statement; no session means no lock. */
    private void sessionsAreGone() {
        Await.until("no session of the killed process is left", () -> sessions() == 0);
        assertThat(db.rows("select gid from pg_prepared_xacts")).isEmpty();
    }

    private List<String> violations() {
        List<String> wrong = new ArrayList<>();
        expect(
                wrong,
                "young rows are gone",
                "select 1 where (select count(*) from event where created_at > now() - interval '89 days') <> "
                        + YOUNG);
        expect(
                wrong,
                "young rows of partitions are gone",
                "select 1 where (select count(*) from part where created_at > now() - interval '89 days') <> " + YOUNG);
        expect(wrong, "a version differs from its source", """
                select v.segment_id, v.day from segdiff.segments s
                join segdiff.segment_versions v on v.version = s.current_version
                cross join lateral (
                    (select contact_id from segdiff.members(7, s.segment_id)
                     except select contact_id from moments m where m.day = v.day and m.segment_id = s.segment_id)
                    union all
                    (select contact_id from moments m where m.day = v.day and m.segment_id = s.segment_id
                     except select contact_id from segdiff.members(7, s.segment_id))) differing
                where s.customer_id = 7
                """);
        expect(wrong, "net changes differ from the members", """
                select s.segment_id, old.version from segdiff.segments s
                join segdiff.segment_versions old on old.customer_id = s.customer_id and old.segment_id = s.segment_id
                join segdiff.segment_versions new on new.version = s.current_version and new.version > old.version
                cross join lateral (
                    (select contact_id, added from segdiff.net_changes(7, s.segment_id, old.version, new.version)
                     except (select m.contact_id, true from moments m where m.day = new.day and m.segment_id = s.segment_id
                             union all select m.contact_id, false from moments m where m.day = old.day and m.segment_id = s.segment_id))
                    union all
                    select n.contact_id, true from moments n where n.day = new.day and n.segment_id = s.segment_id
                      and not exists (select from moments o where o.day = old.day and o.segment_id = n.segment_id and o.contact_id = n.contact_id)
                      and not exists (select from segdiff.net_changes(7, s.segment_id, old.version, new.version) c where c.contact_id = n.contact_id and c.added)) differing
                where s.customer_id = 7
                """);
        expect(wrong, "the trash lists a table that is not there", """
                select t.origin from segdiff.trash t left join pg_class c on c.oid = t.relation
                where t.moved_at is not null and c.relnamespace is distinct from 'segdiff_trash'::regnamespace
                """);
        expect(wrong, "the trash holds a table that nobody knows", """
                select c.relname from pg_class c where c.relnamespace = 'segdiff_trash'::regnamespace and c.relkind in ('r', 'p')
                  and not exists (select from segdiff.trash t where t.relation = c.oid)
                """);
        expect(wrong, "a partition is nowhere", """
                select c.relname from pg_class c where c.relname ~ '^part_old_' and c.relkind = 'r' and not c.relispartition
                  and not exists (select from segdiff.trash t where t.relation = c.oid)
                """);
        expect(
                wrong,
                "a run ended without an outcome",
                "select run_id from segdiff.runs where (ended_at is null) <> (outcome is null)");
        return wrong;
    }

    private void expect(List<String> wrong, String what, String query) {
        List<String> rows = db.rows(query);
        if (!rows.isEmpty()) {
            wrong.add(what + ": " + rows);
        }
    }

    /** Undisturbed, everything comes to its end. */
    private void settled() throws Exception {
        day = day.plusDays(1);
        db.execute("insert into moments select '%s', segment_id, contact_id from source".formatted(day));
        for (String job : List.of("segment-diff", "snapshot-cleanup", "event-expiry")) {
            Ended ended = job.equals("segment-diff")
                    ? segdiff()
                            .run(
                                    "run",
                                    job,
                                    "--day",
                                    day.toString(),
                                    "--accept",
                                    "7/1",
                                    "--accept",
                                    "7/2",
                                    "--accept",
                                    "7/3",
                                    "--accept",
                                    "7/4")
                    : segdiff().run("run", job);
            assertThat(ended.exitCode()).as(ended.toString()).isZero();
        }
        assertThat(violations()).isEmpty();
        assertThat(db.value("select count(*) from event")).isEqualTo(String.valueOf(YOUNG));
        assertThat(db.value("select count(*) from segdiff.segment_states where customer_id = 7 and day = '%s'"
                        .formatted(day)))
                .isEqualTo(String.valueOf(SEGMENTS));
    }
}
