package dev.segdiff.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class IndexMaintenanceTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private IndexFixture small(String... more) {
        String[] all = java.util.Arrays.copyOf(more, more.length + 2);
        all[more.length] = "segdiff.index.min-size";
        all[more.length + 1] = "64kB";
        return new IndexFixture(db, all);
    }

    @Test
    void bloatedIndexIsRebuiltAndLean() {
        IndexFixture.bloat(db, "event", 20_000, 4);
        db.execute("create extension pgstattuple");
        IndexFixture index = small();
        assertThat(index.index("event_id").bloat()).isGreaterThan(3);

        RunReport report = index.run();

        assertThat(report.outcome()).as(report.toString()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(report.counts()).containsEntry("rebuilt", 1L);
        assertThat(index.index("event_id").bloat()).isLessThan(1.1);
        assertThat(db.rows("""
                select outcome, index_name, table_name, measured, bytes_before > 3 * bytes_after, bloat_after < 1.1, clean, run_id = %d
                from segdiff.index_rebuilds
                """.formatted(report.runId())))
                .containsExactly("rebuilt|public.event_id|public.event|t|t|t|t|t");
    }
}
