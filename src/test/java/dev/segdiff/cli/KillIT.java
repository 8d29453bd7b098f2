package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Segdiff;
import dev.segdiff.support.TestDatabase;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** {@code kill -9} at random moments of a replay; {@code -Dsegdiff.test.kills=50} for more of them. */
class KillIT {
    private static final int KILLS = Integer.getInteger("segdiff.test.kills", 12);
    private static final LocalDate FIRST = LocalDate.of(2026, 3, 1);
    private static final int SEGMENTS = 40;

    /** All that readers can see, without the numbers of the versions: killed runs leave gaps among them. */
    private static final String HISTORY = """
            select v.segment_id, v.day, v.contacts, v.added, v.removed, v.baseline,
                (select string_agg(format('%s%s', case when d.added then '+' else '-' end, d.contact_id), ' ' order by contact_id)
                 from segdiff.segment_diffs d where d.version = v.version) as diff
            from segdiff.segment_versions v order by 1, 2
            """;

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @Test
    void killedReplayEndsWithTheSameVersionsAndDiffsAsAnUndisturbedOne() throws Exception {
        TestDatabase undisturbed = new TestDatabase();
        undisturbed.create("segdiff_template");
        try {
            prepare(undisturbed);
            prepare(db);
            Random random = new Random(7);
            Segdiff segdiff = new Segdiff(directory).on(db);
            int kills = 0;
            int inTheMiddle = 0;
            for (LocalDate day = FIRST; kills < KILLS; day = day.plusDays(1)) {
                new Segdiff(directory).on(undisturbed).run("run", "segment-diff", "--day", day.toString());
                for (int i = 0; i < 3 && kills < KILLS; i++, kills++) {
                    inTheMiddle += killWithin(segdiff, day, random) ? 1 : 0;
                }
                assertThat(segdiff.run("run", "segment-diff", "--day", day.toString())
                                .exitCode())
                        .isZero();
                assertThat(db.rows(HISTORY)).as("after %s", day).isEqualTo(undisturbed.rows(HISTORY));
            }
            assertThat(inTheMiddle).as("kills that hit a living run").isPositive();
            assertThat(snapshots(db)).isEqualTo(snapshots(undisturbed));
        } finally {
            undisturbed.drop();
        }
    }

    /** Segments whose members depend on the day alone, read slowly enough to be hit. */
    private static void prepare(TestDatabase database) {
        database.execute(
                "create table contacts as select g::bigint as contact_id from generate_series(1, 60) g",
                """
                create view audience as
                select 7::bigint as customer_id, s::bigint as segment_id, c.contact_id
                from generate_series(1, %d) s cross join contacts c
                where hashint8(c.contact_id * 1000 + s * 100 + (select segdiff.logical_day() - date '2026-03-01')) %% 3 <> 0
                  and (select pg_sleep(0.003)) is not null
                """.formatted(SEGMENTS),
                """
                insert into segdiff.segments (customer_id, segment_id, source)
                select 7, s, 'public.audience' from generate_series(1, %d) s
                """.formatted(SEGMENTS));
    }

    /** Starts a run, waits until its ledger row is open, and kills it a random while later; true if it still lived. */
    private boolean killWithin(Segdiff segdiff, LocalDate day, Random random) throws Exception {
        long before = Long.parseLong(db.value("select count(*) from segdiff.runs"));
        Process process = segdiff.start("run", "segment-diff", "--day", day.toString());
        while (process.isAlive() && Long.parseLong(db.value("select count(*) from segdiff.runs")) == before) {
            Thread.onSpinWait();
        }
        process.waitFor(random.nextInt(250), java.util.concurrent.TimeUnit.MILLISECONDS);
        process.destroyForcibly().waitFor();
        return db.value("select ended_at is null from segdiff.runs order by run_id desc limit 1")
                .equals("t");
    }

    private static List<String> snapshots(TestDatabase database) throws SQLException {
        return database.rows("""
                select s.segment_id, (xpath('//c/text()', query_to_xml(
                    format('select count(*) || ''/'' || coalesce(sum(contact_id), 0) as c from %s', s.snapshot), false, false, '')))[1]
                from segdiff.segments s order by 1
                """);
    }
}
