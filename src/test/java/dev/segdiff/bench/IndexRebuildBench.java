package dev.segdiff.bench;

import dev.segdiff.index.IndexFixture;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/** A bloated unique index, rebuilt beside writers: by index-maintenance, and by the plain REINDEX that hurt in the field. */
public final class IndexRebuildBench {
    private static final int ROWS = Integer.getInteger("segdiff.bench.diffs", 5_000_000);

    private final BenchServer server;

    private IndexRebuildBench(BenchServer server) {
        this.server = server;
    }

    public static void main(String... args) throws Exception {
        try (BenchServer server = new BenchServer()) {
            System.out.println(server.value("select version()"));
            new IndexRebuildBench(server).compare();
        }
    }

    private void compare() throws Exception {
        server.execute("create extension pgstattuple");
        IndexFixture indexes = new IndexFixture(TestDatabase.existing(server.url()));
        System.out.printf(
                Locale.ROOT,
                "%n%,d diffs, two thirds of them deleted all over; one writer beside it%n"
                        + "| | took | index before | after | bloat before | after | writes, median | longest |%n"
                        + "|---|---|---|---|---|---|---|---|%n",
                ROWS);
        row("reindex index", () -> server.execute("reindex index diffs_key"));
        row("index-maintenance", () -> {
            RunReport report = indexes.run();
            if (report.counts().getOrDefault("rebuilt", 0L) != 1) {
                throw new IllegalStateException(report.toString());
            }
        });
    }

    private void row(String name, BenchServer.Work work) throws Exception {
        server.execute(
                "drop table if exists diffs",
                "create table diffs (version bigint, contact_id bigint, added boolean) with (autovacuum_enabled = off)",
                "insert into diffs select g / 1000, hashint8extended(g, 0), true from generate_series(1, %d) g"
                        .formatted(ROWS),
                "create unique index diffs_key on diffs (version, contact_id)",
                "delete from diffs where hashint8extended(contact_id, 1) % 3 <> 0",
                "vacuum analyze diffs",
                "checkpoint");
        String size = server.value("select pg_size_pretty(pg_relation_size('diffs_key'))");
        String bloat = bloat();
        AtomicBoolean over = new AtomicBoolean();
        CompletableFuture<List<Double>> writes = CompletableFuture.supplyAsync(() -> write(over));
        double millis = server.measure(work).millis();
        over.set(true);
        List<Double> sorted = new ArrayList<>(writes.get());
        Collections.sort(sorted);
        System.out.printf(
                Locale.ROOT,
                "| %s | %.1f s | %s | %s | %s | **%s** | %.1f ms | **%.0f ms** |%n",
                name,
                millis / 1000,
                size,
                server.value("select pg_size_pretty(pg_relation_size('diffs_key'))"),
                bloat,
                bloat(),
                sorted.get(sorted.size() / 2),
                sorted.get(sorted.size() - 1));
    }

    /** Leaves as full as they are, against the 90 % of a fresh index. */
    private String bloat() throws SQLException {
        return server.value("select round((90 / avg_leaf_density)::numeric, 2) from pgstatindex('diffs_key')");
    }

    private List<Double> write(AtomicBoolean over) {
        List<Double> millis = new ArrayList<>();
        try (Connection connection = DriverManager.getConnection(server.url(), "postgres", "");
                PreparedStatement insert = connection.prepareStatement("insert into diffs values (?, ?, true)")) {
            for (long id = 1; !over.get(); id++) {
                insert.setLong(1, 1_000_000_000 + id % 100);
                insert.setLong(2, id);
                long start = System.nanoTime();
                insert.executeUpdate();
                millis.add((System.nanoTime() - start) / 1e6);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return millis;
    }
}
