package dev.segdiff.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.segdiff.index.IndexReport.TableState;
import dev.segdiff.support.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is estimated of a fresh table, against what PostgreSQL writes; and what pgstattuple measures of it. */
class HeapEstimateTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private TableState table(String... settings) {
        return new IndexFixture(db, settings)
                .reporter.read().tables().stream()
                        .filter(t -> t.table().name().equals("t"))
                        .findFirst()
                        .orElseThrow();
    }

    private void vacuum() {
        IndexFixture.vacuum(db, "t");
        db.giveToWorker("t");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "fixed widths; g as a, g::bigint as b, now() as c; 0.02",
                "aligned; g as a, g::bigint as b, true as c, g::bigint as d; 0.02",
                "text; md5(g::text) as a, g as b; 0.02",
                "texts of many lengths; repeat('x', g % 100) as a, g as b; 0.1",
                "numeric; (g / 7.0)::numeric(12, 4) as a; 0.1",
                "nulls; case when g % 2 = 0 then g end as a, case when g % 3 = 0 then md5(g::text) end as b, g as c; 0.05",
                "more columns than bits in a byte, a null; null::int as a, g as b, g as c, g as d, g as e, g as f, g as g, g as h, g as i, g as j; 0.02",
                "wide rows, two on a page; repeat(md5(g::text), 90) as a, g as b; 0.05",
                "json; jsonb_build_object('n', g, 'm', md5(g::text)) as a; 0.05",
            })
    void freshTableIsEstimatedAndMeasuredWithinItsKnownError(String what, String columns, double error) {
        db.execute(
                "create extension pgstattuple",
                "create table t as select %s from generate_series(1, 20000) g".formatted(columns),
                "alter table t set (autovacuum_enabled = false)");
        db.execute("alter table t alter column a set storage plain");
        vacuum();

        assertThat(table("segdiff.index.min-size", "1GB").bloat())
                .as("%s, by statistics", what)
                .isCloseTo(1.0, within(error));
        TableState suspect = new IndexFixture(db).measured(table("segdiff.index.min-size", "1GB"));
        assertThat(suspect.measured()).isTrue();
        assertThat(suspect.bloat()).as("%s, measured", what).isCloseTo(1.0, within(error));
    }

    @Test
    void roomThatTheFillFactorLeavesIsNoBloat() {
        db.execute(
                "create extension pgstattuple",
                "create table t (a int, b text) with (fillfactor = 60, autovacuum_enabled = false)",
                "insert into t select g, md5(g::text) from generate_series(1, 20000) g");
        vacuum();

        assertThat(table("segdiff.index.min-size", "1GB").bloat()).isCloseTo(1.0, within(0.02));
        assertThat(new IndexFixture(db).measured(table()).bloat()).isCloseTo(1.0, within(0.02));
    }

    @Test
    void bloatOfATableIsTheSameByStatisticsAndMeasured() {
        db.execute(
                "create extension pgstattuple",
                "create table t (a int, b text) with (autovacuum_enabled = false)",
                "insert into t select g, md5(g::text) from generate_series(1, 40000) g",
                "delete from t where a % 4 <> 0");
        vacuum();

        TableState unmeasured = table("segdiff.index.min-size", "1GB");
        assertThat(unmeasured.measured()).isFalse();
        assertThat(unmeasured.bloat()).isCloseTo(4, within(0.1));
        TableState measured = table();
        assertThat(measured.measured()).as("as statistics suspect it").isTrue();
        assertThat(measured.bloat()).isCloseTo(4, within(0.1));
        assertThat(measured.wastedBytes() / (double) measured.bytes()).isCloseTo(0.75, within(0.02));
    }

    @Test
    void deadRowsThatNobodyHasRemovedAreBloatWhenMeasured() {
        db.execute(
                "create extension pgstattuple",
                "create table t (a int, b text) with (autovacuum_enabled = false)",
                "insert into t select g, md5(g::text) from generate_series(1, 40000) g");
        vacuum();
        db.execute("update t set b = b || '!'");

        assertThat(table().bloat()).isCloseTo(2, within(0.1));
        assertThat(table().measured()).isTrue();
    }

    @Test
    void tableThatNobodyHasAnalyzedIsUnknown() {
        db.execute(
                "create table t (a int) with (autovacuum_enabled = false)",
                "insert into t select generate_series(1, 10000)");

        assertThat(table().bloat()).isNull();
    }

    @Test
    void emptyTableWithPagesIsAllBloat() {
        db.execute(
                "create table t (a int) with (autovacuum_enabled = false)",
                "insert into t select generate_series(1, 10000)",
                "delete from t");
        db.execute("vacuum (truncate off, analyze) t");
        db.giveToWorker("t");

        TableState t = table();
        assertThat(t.bloat()).isEqualTo(t.bytes() / 8192.0);
    }
}
