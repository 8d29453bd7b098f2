package dev.segdiff.bench;

import dev.segdiff.audit.AuditFilter;
import dev.segdiff.audit.AuditTables;
import dev.segdiff.audit.AuditUndo;
import dev.segdiff.audit.AuditUndo.Report;
import dev.segdiff.bench.BenchServer.Measured;
import dev.segdiff.db.Database;
import dev.segdiff.db.TableName;
import dev.segdiff.support.TestDatabase;
import java.sql.SQLException;
import java.util.Locale;

/** What an undo takes against one update of the same rows without an audit: after a trial, or at once as with {@code --yes}. */
public final class UndoBench {
    private static final int ROUNDS = 3;
    private static final int[] SIZES = {4_000, 100_000};

    private final BenchServer server;

    private UndoBench(BenchServer server) {
        this.server = server;
    }

    public static void main(String... args) throws Exception {
        try (BenchServer server = new BenchServer()) {
            System.out.println(server.value("select version()"));
            System.out.printf(
                    "%n| rows | plain update | undo of an update | at once | undo of a delete | at once |%n|---|---|---|---|---|---|%n");
            UndoBench bench = new UndoBench(server);
            for (int size : args.length == 0 ? SIZES : new int[] {Integer.parseInt(args[0])}) {
                bench.compare(size);
            }
        }
    }

    private void compare(int size) throws Exception {
        for (String table : new String[] {"plain", "audited"}) {
            server.execute(
                    "drop table if exists " + table,
                    "create table %s (customer_id bigint, segment_id bigint, source text, version bigint, used timestamptz, primary key (customer_id, segment_id))"
                            .formatted(table),
                    "insert into %s select g %% 100, g, 'app.audience', g, now() from generate_series(1, %d) g"
                            .formatted(table, size),
                    "vacuum analyze " + table);
        }
        Database database = TestDatabase.existing(server.url()).database();
        new AuditTables(database).enable(new TableName("public", "audited"), false, "bench");
        Measured[] plain = new Measured[ROUNDS];
        Measured[][] undone = new Measured[4][ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            server.execute("vacuum plain", "vacuum audited");
            plain[i] = server.measure(() -> server.execute("update plain set version = version + 1, used = now()"));
            undone[0][i] = undo(database, "update audited set version = version + 1, used = now()", true);
            undone[1][i] = undo(database, "update audited set version = version + 1, used = now()", false);
            undone[2][i] = undo(database, "delete from audited", true);
            undone[3][i] = undo(database, "delete from audited", false);
        }
        double base = BenchServer.median(plain).millis();
        System.out.printf(Locale.ROOT, "| %,d | %.0f ms |", size, base);
        for (Measured[] one : undone) {
            double millis = BenchServer.median(one).millis();
            System.out.printf(Locale.ROOT, " %.0f ms, **%.1f** |", millis, millis / base);
        }
        System.out.println();
    }

    private Measured undo(Database database, String damage, boolean tried) throws Exception {
        String moment = server.value("select clock_timestamp()");
        server.execute(damage);
        AuditFilter filter = new AuditFilter(new TableName("public", "audited"), null, null, null, moment, null);
        AuditUndo undo = new AuditUndo(database);
        return server.measure(() -> {
            AuditUndo.Request request = new AuditUndo.Request(filter, "bench", "bench", false);
            AuditUndo.Watcher unwatched = (step, rows, ofRows) -> {};
            Report plan = tried ? undo.undo(request, null, unwatched) : AuditUndo.UNSEEN;
            if (!undo.undo(request, plan, unwatched).done()) {
                throw new SQLException("not taken back: " + plan.conflicts());
            }
        });
    }
}
