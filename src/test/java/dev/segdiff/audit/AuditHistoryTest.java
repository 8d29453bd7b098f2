package dev.segdiff.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.audit.AuditUndo.Report;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole stories: the incident that this was made for, and stories at random. */
class AuditHistoryTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    /**
     * A catalogue of shards, as a distributed cluster keeps it. A migration that is wrong deletes some rows and adds others
     * with absurd ids, over several transactions, while healthy changes go on; ingestion stands still. Then one undo.
     */
    @Test
    void faultyMigrationOfAShardCatalogueIsTakenBackByOneUndoWhileHealthyChangesStay() {
        AuditFixture audit = new AuditFixture(db);
        db.execute(
                "create table shard (shard_id bigint primary key, logical_table text not null, node text not null, low bigint, high bigint)",
                "create table placement (shard_id bigint references shard on delete cascade, node text, primary key (shard_id, node))",
                "insert into shard select g, 'events', 'node-' || g % 4, g * 1000, g * 1000 + 999 from generate_series(102008, 102107) g");
        audit.enable("shard");
        String before = "select * from shard where shard_id < 900000 order by 1";
        List<String> healthy = db.rows(before);

        String moment = db.value("select clock_timestamp()");
        for (int i = 0; i < 5; i++) {
            audit.transaction(
                    "set local segdiff.actor = 'migration-42'",
                    "delete from shard where shard_id between %d and %d".formatted(102010 + i * 10, 102013 + i * 10),
                    "insert into shard values (%d, 'events', 'nowhere', null, null)".formatted(9_000_000_000_000L + i));
            audit.transaction(
                    "set local segdiff.actor = 'rebalancer'",
                    "update shard set node = 'node-9' where shard_id = %d".formatted(102008 + i * 20));
        }
        audit.transaction(
                "set local segdiff.actor = 'rebalancer'", "insert into shard values (103000, 'users', 'node-1', 0, 9)");
        List<String> damaged = db.rows("select * from shard order by 1");
        assertThat(db.value("select count(*) from shard where logical_table = 'events' and shard_id < 900000"))
                .isEqualTo("80");

        assertThat(audit.log.read(AuditFixture.since("shard", moment), 1000))
                .filteredOn(entry -> entry.who().equals("migration-42"))
                .hasSize(25);
        AuditFilter migration =
                new AuditFilter(AuditFixture.all("shard").table(), null, null, null, moment, "migration-42");
        Report report = audit.undo(migration);

        assertThat(report.done()).isTrue();
        assertThat(List.of(report.inserted(), report.updated(), report.deleted()))
                .containsExactly(20, 0, 5);
        List<String> restored = db.rows(before);
        assertThat(restored).hasSize(101).contains("103000|users|node-1|0|9");
        assertThat(restored.stream().filter(row -> row.contains("node-9"))).hasSize(5);
        assertThat(restored.stream().filter(row -> !row.contains("node-9") && !row.contains("users")))
                .isSubsetOf(healthy)
                .hasSize(95);

        assertThat(audit.redo("shard").done()).isTrue();
        assertThat(db.rows("select * from shard order by 1")).isEqualTo(damaged);
    }

    @ParameterizedTest
    @ValueSource(longs = {3, 5, 6, 7, 8})
    void undoOfAnySuffixGivesTheStateBeforeItAndRedoTheStateAfter(long seed) throws SQLException {
        Random random = new Random(seed);
        AuditFixture audit = new AuditFixture(db);
        db.execute("create table t (id int, part text, u int unique, x numeric, parent int, primary key (id, part))");
        audit.enable("t");
        List<String> moments = new ArrayList<>();
        List<List<String>> states = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            moments.add(db.value("select clock_timestamp()"));
            states.add(rows());
            change(random);
        }
        for (int i = 0; i < 4; i++) {
            int suffix = random.nextInt(moments.size() - 1);
            List<String> after = rows();
            if (audit.log.read(AuditFixture.since("t", moments.get(suffix)), 1).isEmpty()) {
                continue; // PostgreSQL has refused all of these changes.
            }
            Report report = audit.undo(AuditFixture.since("t", moments.get(suffix)));
            assertThat(report.conflicts()).isEmpty();
            assertThat(rows()).as("before change %d", suffix).isEqualTo(states.get(suffix));
            if (random.nextBoolean()) {
                audit.redo("t");
                assertThat(rows()).isEqualTo(after);
            }
            // The story goes on from here.
            while (moments.size() > suffix + 1) {
                moments.remove(moments.size() - 1);
                states.remove(states.size() - 1);
            }
            for (int j = 0; j < 10; j++) {
                moments.add(db.value("select clock_timestamp()"));
                states.add(rows());
                change(random);
            }
        }
    }

    private List<String> rows() {
        return db.rows("select * from t order by id, part");
    }

    /** One to four statements in a transaction; what PostgreSQL refuses did not happen. */
    private void change(Random random) throws SQLException {
        try (Connection connection = db.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (int i = random.nextInt(4); i >= 0; i--) {
                statement.execute("savepoint s");
                try {
                    statement.execute(statement(random));
                } catch (SQLException e) {
                    statement.execute("rollback to s");
                }
            }
            connection.commit();
        }
    }

    private static String statement(Random random) {
        int id = random.nextInt(30);
        int other = random.nextInt(60);
        return switch (random.nextInt(9)) {
            case 0, 1, 2 ->
                "insert into t select g, chr(97 + g %% 3), g + %d, g * 1.10, null from generate_series(%d, %d) g"
                        .formatted(other, id, id + random.nextInt(5));
            case 3 -> "update t set x = x + 0.5, u = null where id between %d and %d".formatted(id, id + 5);
            case 4 -> "update t set id = id + %d where part = 'a' and id > %d".formatted(1 + other, id);
            case 5 -> "delete from t where id %% 4 = %d".formatted(random.nextInt(4));
            case 6 -> "update t set u = u + 100 where id > %d".formatted(id);
            case 7 ->
                "insert into t values (%d, 'a', %d, 1, null) on conflict (id, part) do update set x = t.x * 2, u = excluded.u"
                        .formatted(id, other + 1000);
            default ->
                random.nextInt(4) == 0 ? "truncate t" : "update t set parent = %d where id < %d".formatted(other, id);
        };
    }
}
