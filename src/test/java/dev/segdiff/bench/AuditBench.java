package dev.segdiff.bench;

import dev.segdiff.audit.AuditTables;
import dev.segdiff.bench.BenchServer.Measured;
import dev.segdiff.db.TableName;
import dev.segdiff.support.TestDatabase;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** What the audit of a table costs its writers, against the same table without. */
public final class AuditBench {
    private static final int ROUNDS = 5;
    private static final int SINGLE = 5_000;
    private static final int BULK = 100_000;

    private final BenchServer server;
    private final Map<String, Integer> inserted = new HashMap<>();
    private final Map<String, Integer> deleted = new HashMap<>();

    private AuditBench(BenchServer server) {
        this.server = server;
    }

    public static void main(String... args) throws Exception {
        try (BenchServer server = new BenchServer()) {
            System.out.println(server.value("select version()"));
            new AuditBench(server).compare();
        }
    }

    private void compare() throws Exception {
        for (String table : new String[] {"plain", "audited"}) {
            server.execute(
                    "create table %s (customer_id bigint, segment_id bigint, source text, version bigint, used timestamptz, primary key (customer_id, segment_id))"
                            .formatted(table),
                    "insert into %s select g %% 100, g, 'app.audience', g, now() from generate_series(1, %d) g"
                            .formatted(table, BULK),
                    "vacuum analyze " + table);
        }
        new AuditTables(TestDatabase.existing(server.url()).database())
                .enable(new TableName("public", "audited"), false, "bench");
        System.out.printf("%n| | without | with audit | time | WAL |%n|---|---|---|---|---|%n");
        row("%,d updates of one row, a transaction each".formatted(SINGLE), this::single);
        row("%,d updates of one row, in one transaction".formatted(SINGLE), this::together);
        row("%,d inserts of one row, a transaction each".formatted(SINGLE), this::insert);
        row("%,d deletes of one row, a transaction each".formatted(SINGLE), this::delete);
        row("one update of %,d rows".formatted(BULK), this::bulk);
    }

    @FunctionalInterface
    private interface Change {
        void on(String table) throws SQLException;
    }

    /** Turn by turn; the medians. */
    private void row(String name, Change change) throws Exception {
        Measured[] without = new Measured[ROUNDS];
        Measured[] with = new Measured[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            server.execute("vacuum plain", "vacuum audited");
            without[i] = server.measure(() -> change.on("plain"));
            with[i] = server.measure(() -> change.on("audited"));
        }
        Measured base = BenchServer.median(without);
        Measured audited = BenchServer.median(with);
        System.out.printf(
                Locale.ROOT,
                "| %s | %.0f ms | %.0f ms | **%.2f** | %.2f |%n",
                name,
                base.millis(),
                audited.millis(),
                audited.millis() / base.millis(),
                (double) audited.walBytes() / base.walBytes());
    }

    private void single(String table) throws SQLException {
        try (PreparedStatement update = server.connection()
                .prepareStatement(
                        "update %s set version = version + 1, used = now() where customer_id = ? and segment_id = ?"
                                .formatted(table))) {
            for (int i = 1; i <= SINGLE; i++) {
                update.setLong(1, i % 100);
                update.setLong(2, i);
                update.executeUpdate();
            }
        }
    }

    private void together(String table) throws SQLException {
        server.connection().setAutoCommit(false);
        single(table);
        server.connection().commit();
        server.connection().setAutoCommit(true);
    }

    /** Each round has rows of its own; what was inserted is what is deleted. */
    private void insert(String table) throws SQLException {
        each(
                "insert into %s values (?, ?, 'app.audience', 1, now())",
                table, inserted.merge(table, SINGLE, Integer::sum));
    }

    private void delete(String table) throws SQLException {
        each(
                "delete from %s where customer_id = ? and segment_id = ?",
                table, deleted.merge(table, SINGLE, Integer::sum));
    }

    private void each(String sql, String table, int last) throws SQLException {
        try (PreparedStatement one = server.connection().prepareStatement(sql.formatted(table))) {
            for (int i = last - SINGLE; i < last; i++) {
                one.setLong(1, i % 100);
                one.setLong(2, 2L * BULK + i);
                one.executeUpdate();
            }
        }
    }

    private void bulk(String table) throws SQLException {
        server.execute("update %s set version = version + 1".formatted(table));
    }
}
