package dev.segdiff.bench;

import dev.segdiff.bench.BenchServer.Measured;
import dev.segdiff.event.EventFixture;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** event-expiry against one unbounded delete (the limit) and against what one writes first, {@code id in (... limit)}. */
public final class EventExpiryBench {
    private static final int EVENTS = Integer.getInteger("segdiff.bench.events", 3_000_000);
    private static final String UNBOUNDED = "delete from event where created_at < now() - interval '90 days'";
    private static final String REPEATED =
            "delete from event where id in (select id from event where created_at < now() - interval '90 days' limit 10000)";

    /** For a maintenance window, when nobody else is there. */
    private static final String[] FULL_SPEED = {"segdiff.batch.max-rows", "50000", "segdiff.batch.max-pause", "0s"};

    private final BenchServer server;

    private EventExpiryBench(BenchServer server) {
        this.server = server;
    }

    public static void main(String... args) throws Exception {
        try (BenchServer server = new BenchServer()) {
            System.out.println(server.value("select version()"));
            EventExpiryBench bench = new EventExpiryBench(server);
            String only = System.getProperty("segdiff.bench.only", "alone,snapshot,application,partitions");
            if (only.contains("alone")) {
                bench.alone();
            }
            if (only.contains("snapshot")) {
                bench.besideAnOldSnapshot();
            }
            if (only.contains("application")) {
                bench.besideTheApplication();
            }
            if (only.contains("partitions")) {
                bench.partitions();
            }
        }
    }

    /** About 250 bytes each, half of them expired; the index and the heap are in the order of time. */
    private void fill() throws SQLException {
        server.execute(
                "drop table if exists event cascade",
                "truncate segdiff.event_policies, segdiff.event_days",
                "create table event (id bigint primary key, created_at timestamptz not null, contact_id bigint not null, payload text not null)",
                """
                insert into event
                select g, now() - interval '180 days' + g * (interval '180 days' / %1$d), g %% 100000, repeat(md5(g::text), 6)
                from generate_series(1, %1$d) g
                """.formatted(EVENTS),
                "create index on event (created_at)",
                "vacuum (freeze, analyze) event",
                "alter table event set (autovacuum_enabled = off)",
                "checkpoint");
    }

    private EventFixture events(String... more) throws SQLException {
        List<String> config = new ArrayList<>(List.of(
                "segdiff.events.audit.table", "public.event",
                "segdiff.events.audit.time-column", "created_at",
                "segdiff.events.audit.retention", "90d",
                "segdiff.events.audit.view", "false"));
        config.addAll(Arrays.asList(more));
        return new EventFixture(TestDatabase.existing(server.url()), config.toArray(String[]::new));
    }

    private static RunReport expire(EventFixture events) {
        RunReport report = events.runAccepting("audit");
        if (report.outcome() != Outcome.SUCCEEDED) {
            throw new IllegalStateException(report.toString());
        }
        return report;
    }

    private void repeated() throws SQLException {
        try (Connection session = connect();
                PreparedStatement delete = session.prepareStatement(REPEATED)) {
            while (delete.executeUpdate() > 0) {
                // until nothing is left
            }
        }
    }

    private void alone() throws Exception {
        Measured[] ours = new Measured[3];
        Measured[] unbounded = new Measured[3];
        AtomicLong longest = new AtomicLong();
        for (int i = 0; i < 3; i++) {
            fill();
            unbounded[i] = server.measure(() -> server.execute(UNBOUNDED));
            fill();
            EventFixture fast = events(FULL_SPEED);
            ours[i] = server.measure(() -> {
                LongestTransaction watch = new LongestTransaction();
                expire(fast);
                longest.accumulateAndGet(watch.stop(), Math::max);
            });
        }
        fill();
        EventFixture gentle = events();
        Measured paced = server.measure(() -> expire(gentle));
        fill();
        Measured repeated = server.measure(this::repeated);
        Measured limit = BenchServer.median(unbounded);
        System.out.printf("%n%,d events, half of them expired%n", EVENTS);
        row("one unbounded delete (the limit)", limit, limit);
        row("event-expiry at full speed (max-rows 50000, no pause)", BenchServer.median(ours), limit);
        row("event-expiry with the default pacing", paced, limit);
        row("delete ... where id in (select ... limit 10000), repeated", repeated, limit);
        System.out.printf("longest transaction of event-expiry at full speed: %d ms%n", longest.get());
    }

    /** Looks every few milliseconds for the oldest transaction of segdiff; a little less than the truth. */
    private final class LongestTransaction {
        private final AtomicBoolean stop = new AtomicBoolean();
        private final AtomicLong longest = new AtomicLong();
        private final Thread watcher = new Thread(this::watch);

        LongestTransaction() {
            watcher.start();
        }

        private void watch() {
            try (Connection session = connect();
                    PreparedStatement query = session.prepareStatement("""
                            select coalesce(max(extract(epoch from clock_timestamp() - xact_start) * 1000), 0)::bigint
                            from pg_stat_activity where xact_start is not null and pid <> pg_backend_pid() and backend_type = 'client backend'
                            """)) {
                while (!stop.get()) {
                    try (var row = query.executeQuery()) {
                        row.next();
                        longest.accumulateAndGet(row.getLong(1), Math::max);
                    }
                    LockSupport.parkNanos(20_000_000);
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        long stop() throws InterruptedException {
            stop.set(true);
            watcher.join();
            return longest.get();
        }
    }

    private void besideAnOldSnapshot() throws Exception {
        System.out.printf("%nWhile a session holds a repeatable read snapshot%n");
        fill();
        try (Connection old = snapshot()) {
            List<double[]> batches = new ArrayList<>();
            try (Connection session = connect();
                    PreparedStatement delete = session.prepareStatement(REPEATED)) {
                for (int rows = 1; rows > 0; ) {
                    long start = System.nanoTime();
                    rows = delete.executeUpdate();
                    batches.add(new double[] {rows, System.nanoTime() - start});
                }
            }
            tell("repeated id in (... limit)", batches);
        }
        fill();
        try (Connection old = snapshot()) {
            BatchLog log = new BatchLog();
            expire(events());
            tell("event-expiry", log.end());
        }
    }

    private Connection snapshot() throws SQLException {
        Connection old = connect();
        old.setAutoCommit(false);
        old.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        old.createStatement().execute("select 1 from pg_class limit 1");
        return old;
    }

    /** The batches as the program's own log tells them. */
    private static final class BatchLog extends java.util.logging.Handler {
        private static final java.util.regex.Pattern BATCH =
                java.util.regex.Pattern.compile("batch rows=(\\d+) took=PT([\\d.]+)S");
        private final java.util.logging.Logger logger =
                java.util.logging.Logger.getLogger("dev.segdiff.event.EventBatches");
        private final List<double[]> batches = new ArrayList<>();

        BatchLog() {
            logger.setLevel(java.util.logging.Level.ALL);
            logger.setUseParentHandlers(false);
            setLevel(java.util.logging.Level.ALL);
            logger.addHandler(this);
        }

        @Override
        public void publish(java.util.logging.LogRecord line) {
            String text = line instanceof org.jboss.logmanager.ExtLogRecord record
                    ? record.getFormattedMessage()
                    : line.getMessage();
            java.util.regex.Matcher batch = BATCH.matcher(text);
            if (batch.find()) {
                batches.add(
                        new double[] {Double.parseDouble(batch.group(1)), Double.parseDouble(batch.group(2)) * 1e9});
            }
        }

        List<double[]> end() {
            logger.removeHandler(this);
            return batches;
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    /** Nanoseconds a row in the first and the last tenth of the rows; the first, small batches warm up. */
    private static void tell(String name, List<double[]> batches) {
        double all = batches.stream().mapToDouble(batch -> batch[0]).sum();
        double[] first = new double[2];
        double[] last = new double[2];
        double seen = 0;
        for (double[] batch : batches) {
            seen += batch[0];
            if (seen <= all / 10) {
                first[0] += batch[0];
                first[1] += batch[1];
            } else if (seen > all * 9 / 10) {
                last[0] += batch[0];
                last[1] += batch[1];
            }
        }
        System.out.printf(
                Locale.ROOT,
                "%-30s %,6d batches, %.2f us a row in the first tenth, %.2f in the last: %.2f times%n",
                name,
                batches.size(),
                first[1] / first[0] / 1e3,
                last[1] / last[0] / 1e3,
                last[1] / last[0] / (first[1] / first[0]));
    }

    /** Inserts and point reads at a fixed rate, as an application has them; latency from when each was due. */
    private final class Application {
        private static final int RATE = 400;
        private final AtomicBoolean stop = new AtomicBoolean();
        private final List<Long> micros = new ArrayList<>();
        private final Thread thread = new Thread(this::work);

        Application() {
            thread.start();
        }

        private void work() {
            Random random = new Random(1);
            try (Connection session = connect();
                    PreparedStatement insert =
                            session.prepareStatement("insert into event values (?, now(), 1, repeat('x', 190))");
                    PreparedStatement read = session.prepareStatement("select payload from event where id = ?")) {
                long id = Long.parseLong(
                        TestDatabase.rows(session, "select max(id) from event").get(0));
                long due = System.nanoTime();
                while (!stop.get()) {
                    due += 1_000_000_000L / RATE;
                    LockSupport.parkNanos(due - System.nanoTime());
                    if (random.nextBoolean()) {
                        insert.setLong(1, ++id);
                        insert.executeUpdate();
                    } else {
                        read.setLong(1, EVENTS / 2 + random.nextInt(EVENTS / 2));
                        read.executeQuery().close();
                    }
                    micros.add((System.nanoTime() - due) / 1000);
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        long[] stop() throws InterruptedException {
            stop.set(true);
            thread.join();
            long[] sorted = micros.stream().mapToLong(Long::longValue).sorted().toArray();
            return new long[] {
                sorted[sorted.length / 2], sorted[(int) (sorted.length * 0.99)], sorted[sorted.length - 1]
            };
        }
    }

    private void besideTheApplication() throws Exception {
        System.out.printf("%nAn application that inserts and reads, %d times a second%n", Application.RATE);
        List<long[]> alone = new ArrayList<>();
        List<long[]> expiring = new ArrayList<>();
        List<long[]> unbounded = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            fill();
            Application first = new Application();
            LockSupport.parkNanos(8_000_000_000L);
            alone.add(first.stop());
            Application second = new Application();
            expire(events());
            expiring.add(second.stop());
            fill();
            Application third = new Application();
            server.execute(UNBOUNDED);
            unbounded.add(third.stop());
        }
        long[] base = median(alone);
        tell("alone", base, base);
        tell("beside event-expiry", median(expiring), base);
        tell("beside one unbounded delete", median(unbounded), base);
    }

    private static long[] median(List<long[]> all) {
        return all.stream()
                .sorted(java.util.Comparator.comparingLong(one -> one[1]))
                .skip(all.size() / 2)
                .findFirst()
                .orElseThrow();
    }

    private static void tell(String name, long[] latency, long[] base) {
        System.out.printf(
                Locale.ROOT,
                "%-30s median %6d us, p99 %7d us (%.2f times alone), worst %8d us%n",
                name,
                latency[0],
                latency[1],
                (double) latency[1] / base[1],
                latency[2]);
    }

    private void partitions() throws Exception {
        System.out.printf("%nDetaching and dropping one partition%n");
        server.execute("drop table if exists event cascade", "truncate segdiff.event_policies, segdiff.event_days");
        for (int rows : new int[] {1_000, 1_000, 1_000_000, 1_000, 1_000_000}) {
            server.execute(
                    "set timezone = 'UTC'",
                    "drop table if exists event cascade",
                    "create table event (id bigint, created_at timestamptz not null, payload text) partition by range (created_at)",
                    "create table event_2020_01 partition of event for values from ('2020-01-01') to ('2020-02-01')",
                    "create index on event (created_at)",
                    "insert into event select g, '2020-01-05', repeat('x', 200) from generate_series(1, %d) g"
                            .formatted(rows),
                    "checkpoint");
            EventFixture events = events("segdiff.events.audit.partitions-ahead", "0");
            Measured detach = server.measure(() -> expire(events));
            server.execute("update segdiff.trash set moved_at = moved_at - interval '4 days'");
            Measured drop = server.measure(() -> expire(events));
            System.out.printf(
                    Locale.ROOT,
                    "%,10d rows: taken out of the table in %.1f ms, dropped from the trash in %.1f ms%n",
                    rows,
                    detach.millis(),
                    drop.millis());
        }
    }

    private static void row(String name, Measured measured, Measured base) {
        System.out.printf(
                Locale.ROOT,
                "%-60s %8.2f s %,6d MB WAL  %.2f times the limit%n",
                name,
                measured.millis() / 1000,
                measured.walBytes() >> 20,
                measured.millis() / base.millis());
    }

    private Connection connect() throws SQLException {
        return DriverManager.getConnection(server.url(), "postgres", "");
    }
}
