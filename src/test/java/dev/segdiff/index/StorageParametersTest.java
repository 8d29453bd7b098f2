package dev.segdiff.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.db.TableName;
import dev.segdiff.segment.SegmentFixture;
import dev.segdiff.segment.SegmentKey;
import dev.segdiff.support.TestDatabase;
import java.time.LocalDate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tables of segdiff are stored as their lives need it; the reasons are in V5. */
class StorageParametersTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private String parameters(String relation) {
        return db.value("select array_to_string(reloptions, ' ') from pg_class where oid = %s".formatted(relation));
    }

    @ParameterizedTest
    @CsvSource({
        "segments, fillfactor=80, autovacuum_vacuum_scale_factor=0.05",
        "segment_states, fillfactor=70, autovacuum_vacuum_scale_factor=0.05",
        "leases, fillfactor=50, fillfactor=50",
        "run_totals, fillfactor=50, fillfactor=50",
        "segment_versions, autovacuum_vacuum_scale_factor=0.05, autovacuum_analyze_scale_factor=0.05",
    })
    void tablesThatAreUpdatedOftenHaveRoomOrAnEarlyVacuum(String table, String one, String other) {
        assertThat(parameters("'segdiff.%s'::regclass".formatted(table)).split(" "))
                .contains(one, other);
    }

    @Test
    void snapshotsAndPartitionsOfDiffsGetTheirsWhenTheyAreMade() {
        db.execute("create table audience as select g as contact_id from generate_series(1, 10) g");
        SegmentFixture segments = new SegmentFixture(db);
        segments.registry().add(new SegmentKey(1, 1), new TableName("public", "audience"));

        segments.run(LocalDate.of(2031, 5, 1));

        assertThat(
                        parameters(
                                "(select oid from pg_class where relname ~ '^segment_1_1_\\d+$' and relnamespace = 'segdiff'::regnamespace)"))
                .isEqualTo("autovacuum_vacuum_scale_factor=0.05");
        assertThat(db.rows("""
                select array_to_string(c.reloptions, ' ') from pg_inherits i join pg_class c on c.oid = i.inhrelid
                where i.inhparent = 'segdiff.segment_diffs'::regclass
                """))
                .isNotEmpty()
                .allMatch(options -> options.contains("autovacuum_vacuum_insert_scale_factor=0 ")
                        && options.contains("autovacuum_vacuum_insert_threshold=1000000"));
    }
}
