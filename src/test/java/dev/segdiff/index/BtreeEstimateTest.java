package dev.segdiff.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.segdiff.support.Await;
import dev.segdiff.support.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is estimated of a fresh index, against what PostgreSQL builds. */
class BtreeEstimateTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "unique int; unique index i on t (a); 0.02",
                "int; index i on t (a); 0.02",
                "bigint and int; unique index i on t (b, a); 0.02",
                "int and bigint, aligned; index i on t (a, b); 0.02",
                "uuid; index i on t (u); 0.02",
                "fill factor; index i on t (a) with (fillfactor = 70); 0.02",
                "text; index i on t (x); 0.1",
                "expression; index i on t (lower(x)); 0.1",
                "a few values, stored once; index i on t (few); 0.1",
                "hundred rows each, stored once; index i on t (part); 0.1",
                "a few values, stored each; index i on t (few) with (deduplicate_items = off); 0.02",
                "numeric, never stored once; index i on t (n); 0.1",
                "many nulls; index i on t (nulls, a); 0.1",
                "some rows only; index i on t (a) where part = 3; 0.1",
            })
    void freshIndexIsEstimatedWithinItsKnownError(String what, String definition, double error) {
        db.execute("""
                create table t as
                select g::int as a, g::bigint as b, gen_random_uuid() as u, 'value ' || md5(g::text) as x, g %% 3 as few, g %% 500 as part,
                    (g %% 50)::numeric as n, case when g %% 2 = 0 then g end as nulls
                from generate_series(1, 50000) g
                """.replace("%%", "%"), "create " + definition);
        db.execute("vacuum analyze t", "alter table t set (autovacuum_enabled = false)");
        // Statistics of an expression are those of the index, which only its owner may read.
        db.giveToWorker("t");

        assertThat(new IndexFixture(db).index("i").bloat()).as(what).isCloseTo(1.0, within(error));
    }

    @Test
    void textsThatNobodyHasAnalyzedAreUnknown() {
        db.execute("create table t (x text, a int)", "create index i on t (x)", "create index j on t (a)");

        IndexFixture index = new IndexFixture(db);

        assertThat(index.index("i").bloat()).isNull();
    }

    @Test
    void widthsOfATableThatTheRoleMayNotReadAreUnknownUnlessFixed() {
        db.execute(
                "create table t as select g::text as x, g as a from generate_series(1, 50000) g",
                "create index i on t (x)",
                "create index j on t (a)",
                "revoke all on t from segdiff_worker");
        db.execute("vacuum analyze t");

        IndexFixture index = new IndexFixture(db);

        assertThat(index.index("i").bloat()).isNull();
        assertThat(index.index("j").bloat()).isCloseTo(1.0, within(0.02));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void emptyIndexHasItsFirstPages(boolean deduplicated) {
        assertThat(new BtreeEstimate(8192, 90, deduplicated).pages(0, List.of(new Tuple.Column(8, 8, 8, 0, -1))))
                .hasValue(2);
    }

    @Test
    void growthSinceTheLastAnalyzeIsNoBloat() {
        db.execute(
                "create table t (a int) with (autovacuum_enabled = false)",
                "create index i on t (a)",
                "insert into t select generate_series(1, 100000)");
        IndexFixture index = new IndexFixture(db);
        assertThat(index.index("i").bloat()).as("never analyzed").isNull();

        db.execute("delete from t");
        db.execute("vacuum (truncate off, analyze) t");
        db.execute("insert into t select generate_series(1, 100000)");

        // Twice as large, as its pages are not free yet; but not a hundred times, as for the two pages of no entries.
        Await.until(
                "the rows are known",
                () -> index.index("i").wastedBytes() < index.index("i").bytes() * 0.7);
    }
}
