package dev.segdiff.bench;

import dev.segdiff.db.TableName;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.segment.SegmentFixture;
import dev.segdiff.segment.SegmentKey;
import dev.segdiff.support.TestDatabase;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * How diffs and their unique index grow while segments come and go: in segdiff's monthly partitions, and in one table
 * from which removed segments are deleted, as in the field. Nobody rebuilds anything.
 */
public final class DiffBloatBench {
    private static final LocalDate START = LocalDate.of(2024, 1, 1);
    private static final int DIFFS = Integer.getInteger("segdiff.bench.diffs", 5_000_000);
    private static final int ROUNDS = Integer.getInteger("segdiff.bench.rounds", 30);
    private static final int SEGMENTS = 500;

    /** Contacts who leave, and as many who join, in each version: a segment lives for three versions on average. */
    private static final int CHANGES = DIFFS / SEGMENTS / 3 / 2;

    private final BenchServer server;
    private final SegmentFixture segments;
    private final Random random = new Random(42);
    private final List<Long> alive = new ArrayList<>();
    private long last;

    private DiffBloatBench(BenchServer server) throws SQLException {
        this.server = server;
        server.execute(
                "create extension pgstattuple",
                "create table birth (segment_id bigint primary key, version int)",
                // The how-manieth version of a segment a day gives: two a month.
                "create function version_of(day date) returns int language sql stable as 'select (extract(year from day) * 24 + extract(month from day) * 2 + extract(day from day))::int'",
                """
                create view audience as
                select b.segment_id, hashint8extended(b.segment_id * 1000000 + g, 0) & 9223372036854775807 as contact_id
                from birth b
                cross join lateral (select %1$d * (version_of(segdiff.logical_day()) - b.version)) f (first)
                cross join generate_series(f.first, f.first + %1$d * 10 - 1) g
                """.formatted(CHANGES),
                """
                create table field_diffs (customer_id bigint, segment_id bigint, version bigint, contact_id bigint, added boolean,
                                          unique (customer_id, segment_id, version, contact_id))
                """);
        segments = new SegmentFixture(TestDatabase.existing(server.url()));
    }

    public static void main(String... args) throws Exception {
        try (BenchServer server = new BenchServer()) {
            System.out.println(server.value("select version()"));
            new DiffBloatBench(server).grow();
        }
    }

    private void grow() throws Exception {
        System.out.printf(
                Locale.ROOT,
                "%n%d rounds, a month each, of %d segments; half of them go and as many come; index against a fresh one%n",
                ROUNDS,
                SEGMENTS);
        System.out.println(
                "| round | field: rows | table | index | bloat | segdiff: rows, of them reachable | table | index | bloat |");
        System.out.println("|---|---|---|---|---|---|---|---|---|");
        for (int round = 1; round <= ROUNDS; round++) {
            LocalDate month = START.plusMonths(round);
            replaceHalf(month);
            for (LocalDate day : List.of(month, month.plusDays(1))) {
                publish(day);
            }
            // In the field autovacuum has been by.
            server.execute("vacuum analyze field_diffs");
            if (round % 5 == 0 || round == 1) {
                report(round);
            }
        }
    }

    private void replaceHalf(LocalDate day) throws SQLException {
        Collections.shuffle(alive, random);
        for (long id : List.copyOf(alive.subList(0, alive.size() / 2))) {
            segments.registry().remove(new SegmentKey(1, id));
            server.execute(
                    "delete from field_diffs where customer_id = 1 and segment_id = " + id,
                    "delete from birth where segment_id = " + id);
            alive.remove(id);
        }
        while (alive.size() < SEGMENTS) {
            server.execute("insert into birth values (%d, version_of('%s'))".formatted(++last, day));
            segments.registry().add(new SegmentKey(1, last), new TableName("public", "audience"));
            alive.add(last);
        }
    }

    private void publish(LocalDate day) throws SQLException {
        RunReport report = segments.run(day);
        if (report.outcome() != Outcome.SUCCEEDED) {
            throw new IllegalStateException(report.toString());
        }
        server.execute("""
                insert into field_diffs
                select v.customer_id, v.segment_id, v.version, d.contact_id, d.added
                from segdiff.segment_versions v join segdiff.segment_diffs d on d.version = v.version and d.day = v.day
                where v.day = '%s'
                """.formatted(day));
    }

    private void report(int round) throws SQLException {
        String ours = """
                select sum(pg_relation_size(%s)) from pg_inherits h join pg_index i on i.indrelid = h.inhrelid
                where h.inhparent = 'segdiff.segment_diffs'::regclass
                """;
        server.execute(
                "create temp table fresh as select * from field_diffs",
                "create unique index fresh_index on fresh (customer_id, segment_id, version, contact_id)",
                "create temp table fresh_ours as select * from segdiff.segment_diffs",
                "create unique index fresh_ours_index on fresh_ours (version, contact_id)");
        System.out.println(
                server.value("""
                select format('| %d | %%s | %%s | %%s | **%%s** | %%s, %%s | %%s | %%s | **%%s** |',
                    (select count(*) from field_diffs), pg_size_pretty(pg_relation_size('field_diffs')),
                    pg_size_pretty(field.size), round(field.size / pg_relation_size('fresh_index'), 2),
                    (select count(*) from segdiff.segment_diffs), (select count(*) from segdiff.segment_changes),
                    pg_size_pretty((%s)), pg_size_pretty(ours.size), round(ours.size / pg_relation_size('fresh_ours_index'), 2))
                from (select pg_relation_size('field_diffs_customer_id_segment_id_version_contact_id_key')::numeric as size) field,
                    (%s) ours (size)
                """.formatted(round, ours.formatted("h.inhrelid"), ours.formatted("i.indexrelid"))));
        server.execute("drop table fresh, fresh_ours");
    }
}
