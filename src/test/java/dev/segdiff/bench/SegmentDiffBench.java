package dev.segdiff.bench;

import dev.segdiff.bench.BenchServer.Measured;
import dev.segdiff.db.TableName;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.segment.SegmentFixture;
import dev.segdiff.segment.SegmentKey;
import dev.segdiff.support.TestDatabase;
import java.io.OutputStream;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.Locale;
import org.postgresql.PGConnection;

/** segment-diff against the reference (what one writes first) and the limit (reading the source at all). */
public final class SegmentDiffBench {
    private static final LocalDate DAY = LocalDate.of(2026, 3, 1);
    private static final int CONTACTS = Integer.getInteger("segdiff.bench.contacts", 5_000_000);
    private static final int SEGMENTS = Integer.getInteger("segdiff.bench.segments", 2_000);
    private static final int DAYS = Integer.getInteger("segdiff.bench.days", 30);

    /** Ids in random order, as hashes and customer databases yield them. */
    private static final String RANDOM = "(hashint8extended(g, 0) & 9223372036854775807)";

    private static final String REFERENCE_DIFFS =
            "create table ref_diffs (customer_id bigint, segment_id bigint, version bigint, contact_id bigint,"
                    + " added boolean, unique (customer_id, segment_id, version, contact_id))";

    private final BenchServer server;

    private SegmentDiffBench(BenchServer server) {
        this.server = server;
    }

    public static void main(String... args) throws Exception {
        try (BenchServer server = new BenchServer()) {
            System.out.println(server.value("select version()"));
            new SegmentDiffBench(server).large();
        }
        try (BenchServer server = new BenchServer()) {
            new SegmentDiffBench(server).small();
        }
        WorkerMemory.main(args);
    }

    private void large() throws Exception {
        server.execute(
                "create table audience as select %s as contact_id from generate_series(1, %d) g"
                        .formatted(RANDOM, CONTACTS),
                "vacuum analyze audience",
                REFERENCE_DIFFS,
                "create table ref_1 (contact_id bigint primary key)");
        SegmentFixture segments = new SegmentFixture(TestDatabase.existing(server.url()));
        segments.registry().add(new SegmentKey(1, 1), new TableName("public", "audience"));
        Measured baseline = server.measure(() -> run(segments, DAY));
        Measured[] ours = new Measured[3];
        Measured[] limit = new Measured[3];
        for (int i = 0; i < 3; i++) {
            if (i == 2) {
                server.execute("insert into ref_1 select contact_id from audience", "vacuum analyze ref_1");
            }
            churn(i);
            // In the field a day lies in between, and autovacuum has been by.
            server.execute("vacuum " + server.value("select snapshot from segdiff.segments"));
            LocalDate day = DAY.plusDays(i + 1);
            ours[i] = server.measure(() -> run(segments, day));
            limit[i] = server.measure(this::copyOut);
        }
        Measured reference = server.measure(() -> reference("ref_1", "ref_2", "select contact_id from audience", 1));
        System.out.printf("%n%,d contacts, 1 %% leave and 1 %% join%n", CONTACTS);
        header();
        row("reference (primary key, insert ... select, two excepts)", reference, reference);
        row("segment-diff, first version", baseline, reference);
        row("segment-diff", BenchServer.median(ours), reference);
        row("limit (copy of the source, thrown away)", BenchServer.median(limit), reference);
        System.out.printf(
                Locale.ROOT,
                "segment-diff takes %.1f times the limit, the reference %.1f times segment-diff and %.1f times its WAL%n",
                BenchServer.median(ours).millis() / BenchServer.median(limit).millis(),
                reference.millis() / BenchServer.median(ours).millis(),
                (double) reference.walBytes() / BenchServer.median(ours).walBytes());
    }

    /** One contact in a hundred, from all over the table, leaves, and as many new ones join. */
    private void churn(int round) throws SQLException {
        int joined = CONTACTS + round * (CONTACTS / 100);
        server.execute(
                "delete from audience where abs(hashint8(contact_id)) %% 100 = %d".formatted(round),
                "insert into audience select %s from generate_series(%d, %d) g"
                        .formatted(RANDOM, joined + 1, joined + CONTACTS / 100),
                "vacuum analyze audience");
    }

    private void small() throws Exception {
        // Every day another hundredth of the contacts is away, so that about 1 % leave and 1 % return.
        server.execute(
                REFERENCE_DIFFS,
                "create table contacts (segment_id bigint, contact_id bigint)",
                "insert into contacts select s, s * 100000 + c from generate_series(1, %d) s, generate_series(1, 1010) c"
                        .formatted(SEGMENTS),
                "create index on contacts (segment_id)",
                "vacuum analyze contacts",
                "create view audiences as select segment_id, contact_id from contacts"
                        + " where contact_id % 101 <> (select segdiff.logical_day() - date '2026-03-01') % 101");
        SegmentFixture segments =
                new SegmentFixture(TestDatabase.existing(server.url()), "segdiff.segments.parallelism", "1");
        for (int s = 1; s <= SEGMENTS; s++) {
            segments.registry().add(new SegmentKey(1, s), new TableName("public", "audiences"));
            server.execute(
                    "create table small_%d_0 (contact_id bigint primary key)".formatted(s),
                    "insert into small_%d_0 select contact_id from audiences where segment_id = %d".formatted(s, s));
        }
        // Thousands of new tables at once wake autovacuum, which would race with whoever is measured first. In the
        // field
        // it has been by in the day that lies in between.
        autovacuum("off");
        run(segments, DAY);
        server.execute("vacuum analyze", "set segdiff.logical_day = '%s'".formatted(DAY.plusDays(1)));
        Measured reference = server.measure(() -> {
            for (int s = 1; s <= SEGMENTS; s++) {
                reference(
                        "small_%d_0".formatted(s),
                        "small_%d_1".formatted(s),
                        "select contact_id from audiences where segment_id = " + s,
                        s);
            }
        });
        Measured[] ours = new Measured[3];
        for (int i = 0; i < 3; i++) {
            LocalDate day = DAY.plusDays(i + 1);
            ours[i] = server.measure(() -> run(segments, day));
        }
        System.out.printf("%n%,d segments of 1,000 contacts, 2 %% churn, one worker%n", SEGMENTS);
        header();
        row("reference", reference, reference);
        row("segment-diff", BenchServer.median(ours), reference);
        System.out.printf(
                Locale.ROOT,
                "%.2f ms a segment against %.2f ms: %.1f times faster%n",
                BenchServer.median(ours).millis() / SEGMENTS,
                reference.millis() / SEGMENTS,
                reference.millis() / BenchServer.median(ours).millis());

        autovacuum("on");
        System.out.printf("%ncatalogs over %d replayed days of %,d segments, autovacuum as it is%n", DAYS, SEGMENTS);
        System.out.println("| day | pg_class | pg_attribute | pg_type |");
        System.out.println("|---|---|---|---|");
        for (int i = 0; i < DAYS; i++) {
            if (i % 10 == 0) {
                catalog(i);
            }
            run(segments, DAY.plusDays(4 + i));
        }
        catalog(DAYS);
    }

    private void autovacuum(String onOrOff) throws SQLException {
        server.execute("alter system set autovacuum = " + onOrOff, "select pg_reload_conf()");
    }

    private void catalog(int day) throws SQLException {
        System.out.println(server.value("""
                select format('| %s | %%s | %%s | %%s |', pg_size_pretty(pg_total_relation_size('pg_class')),
                    pg_size_pretty(pg_total_relation_size('pg_attribute')), pg_size_pretty(pg_total_relation_size('pg_type')))
                """.formatted(day)));
    }

    /** What one writes first: a new table with a primary key, filled from the source, and two excepts. */
    private void reference(String old, String fresh, String source, int segment) throws SQLException {
        server.execute(
                "begin",
                "create table %s (contact_id bigint primary key)".formatted(fresh),
                "insert into %s %s".formatted(fresh, source),
                "insert into ref_diffs select 1, %d, 2, contact_id, true from (select * from %s except select * from %s) x"
                        .formatted(segment, fresh, old),
                "insert into ref_diffs select 1, %d, 2, contact_id, false from (select * from %s except select * from %s) x"
                        .formatted(segment, old, fresh),
                "commit");
    }

    private void copyOut() throws Exception {
        server.connection()
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyOut(
                        "copy (select contact_id from audience) to stdout (format binary)",
                        OutputStream.nullOutputStream());
    }

    private static void run(SegmentFixture segments, LocalDate day) {
        RunReport report = segments.run(day);
        if (report.outcome() != Outcome.SUCCEEDED) {
            throw new IllegalStateException(report.toString());
        }
    }

    private static void header() {
        System.out.println("| | time | WAL | time against the reference | WAL against the reference |");
        System.out.println("|---|---|---|---|---|");
    }

    private static void row(String name, Measured measured, Measured reference) {
        System.out.printf(
                Locale.ROOT,
                "| %s | %.2f s | %d MB | %.3f | %.3f |%n",
                name,
                measured.millis() / 1000,
                measured.walBytes() >> 20,
                measured.millis() / reference.millis(),
                (double) measured.walBytes() / reference.walBytes());
    }
}
