package dev.segdiff.bench;

import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Served;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Whole processes, from start to end: the executable against the jar and against {@code psql -c 'select 1'}. Both must
 * have been built: {@code target/segdiff} and {@code target/segdiff.jar}.
 */
public final class ProcessBench {
    private static final int ROUNDS = 21;
    private static final int WORK_ROUNDS = 5;
    private static final double MEGABYTE = 1e6;
    private static final LocalDate DAY = LocalDate.of(2026, 3, 1);
    private static final Path DIRECTORY = temporaryDirectory();

    /** Seconds from start to end, and bytes of the most memory that was resident. */
    private record Measured(double seconds, double peak) {
        static Measured median(List<Measured> all) {
            List<Measured> sorted = all.stream()
                    .sorted(Comparator.comparingDouble(Measured::seconds))
                    .toList();
            double peak = all.stream().mapToDouble(Measured::peak).max().orElse(0);
            return new Measured(sorted.get(sorted.size() / 2).seconds(), peak);
        }
    }

    private final BenchServer server;
    private final Map<String, List<Measured>> results = new LinkedHashMap<>();
    private LocalDate day = DAY;

    private ProcessBench(BenchServer server) {
        this.server = server;
    }

    public static void main(String... args) throws Exception {
        try (BenchServer server = new BenchServer()) {
            ProcessBench bench = new ProcessBench(server);
            bench.prepare();
            bench.commands();
            bench.work();
            bench.serve();
        }
        System.out.printf(Locale.ROOT, "executable: %.1f MB%n", Files.size(Path.of("target", "segdiff")) / MEGABYTE);
    }

    private void prepare() throws Exception {
        server.execute(
                "create table contacts (segment_id bigint, contact_id bigint)",
                "insert into contacts select s, s * 100000 + c from generate_series(1, 500) s, generate_series(1, 1010) c",
                "insert into contacts select 0, c from generate_series(1, 1000000) c",
                "create index on contacts (segment_id)",
                "create view audiences as select segment_id, contact_id from contacts"
                        + " where contact_id % 101 <> (select segdiff.logical_day() - date '2026-03-01') % 101",
                "insert into segdiff.segments (customer_id, segment_id, source) select 1, s, 'public.audiences' from generate_series(0, 500) s",
                "create table event (id bigint generated always as identity primary key, created_at timestamptz not null, body text)",
                "create index on event (created_at)",
                "vacuum analyze");
        command(program("segdiff"), "run", "segment-diff", "--day", nextDay());
        command(program("segdiff"), "run", "snapshot-cleanup");
    }

    private void commands() throws Exception {
        for (int i = 0; i < ROUNDS; i++) {
            measure("psql -c 'select 1'", psql());
            for (String program : List.of("segdiff", "segdiff.jar")) {
                measure(program + " --version", program(program).start("--version"));
                measure(program + " status", program(program).start("status"));
            }
        }
        Measured psql = median("psql -c 'select 1'");
        System.out.printf("%n| command | time against psql | peak memory |%n|---|---|---|%n");
        results.keySet()
                .forEach(name -> System.out.printf(
                        Locale.ROOT,
                        "| `%s` | %.2f | %.0f MB |%n",
                        name,
                        median(name).seconds() / psql.seconds(),
                        median(name).peak() / MEGABYTE));
    }

    /** Turn by turn, each on the same data. */
    private void work() throws Exception {
        for (int i = 0; i < WORK_ROUNDS; i++) {
            for (String program : List.of("segdiff", "segdiff.jar")) {
                server.execute(
                        "insert into event (created_at, body) select now() - interval '100 days' + g * interval '1 second', repeat('x', 200) from generate_series(1, 300000) g",
                        "insert into event (created_at, body) values (now(), '')",
                        "vacuum analyze event",
                        "checkpoint");
                measure(program + " run event-expiry", program(program).start("run", "event-expiry"));
                server.execute("vacuum analyze", "checkpoint");
                measure(
                        program + " run segment-diff",
                        program(program).start("run", "segment-diff", "--day", nextDay()));
            }
        }
        System.out.printf("%n| work | executable against the jar | its peak memory | the jar's |%n|---|---|---|---|%n");
        for (String job : List.of("event-expiry", "segment-diff")) {
            Measured fast = median("segdiff run " + job);
            Measured jar = median("segdiff.jar run " + job);
            System.out.printf(
                    Locale.ROOT,
                    "| `run %s` | %.2f | %.0f MB | %.0f MB |%n",
                    job,
                    fast.seconds() / jar.seconds(),
                    fast.peak() / MEGABYTE,
                    jar.peak() / MEGABYTE);
        }
    }

    private void serve() throws Exception {
        System.out.printf("%n| serve | ready after | at rest |%n|---|---|---|%n");
        for (String program : List.of("segdiff", "segdiff.jar")) {
            List<Double> ready = new ArrayList<>();
            double resting = 0;
            for (int i = 0; i < WORK_ROUNDS; i++) {
                int port = Served.freePort();
                long start = System.nanoTime();
                Process process = program(program)
                        .with("QUARKUS_HTTP_PORT", String.valueOf(port))
                        .with("SEGDIFF_SCHEDULE_ENABLED", "false")
                        .start("serve");
                while (!isReady(port)) {
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
                }
                ready.add((System.nanoTime() - start) / 1e6);
                TimeUnit.SECONDS.sleep(10);
                resting = Math.max(resting, memory(process, "VmRSS"));
                process.destroy();
                process.waitFor();
            }
            ready.sort(Comparator.naturalOrder());
            System.out.printf(
                    Locale.ROOT,
                    "| `%s` | %.0f ms | %.0f MB |%n",
                    program,
                    ready.get(ready.size() / 2),
                    resting / MEGABYTE);
        }
    }

    private static boolean isReady(int port) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream().write("GET /q/health/ready HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII).endsWith(" 200");
        } catch (IOException e) {
            return false;
        }
    }

    private Segdiff program(String name) throws SQLException {
        return new Segdiff(DIRECTORY, Path.of("target", name))
                .on(TestDatabase.existing(server.url()))
                .withPolicy("AUDIT", "public.event", "90d")
                .with("SEGDIFF_EVENTS_AUDIT_MAX_SHARE", "100%")
                .with("SEGDIFF_BATCH_MAX_PAUSE", "0s");
    }

    private static void command(Segdiff program, String... arguments) {
        Segdiff.Ended ended = program.run(arguments);
        if (ended.exitCode() != 0) {
            throw new IllegalStateException(ended.toString());
        }
    }

    private String nextDay() {
        day = day.plusDays(1);
        return day.toString();
    }

    /** The program itself: Debian's {@code psql} on the path is a script that looks for it. */
    private Process psql() throws IOException {
        Path program = Path.of("psql");
        try (Stream<Path> versions = Files.list(Path.of("/usr/lib/postgresql"))) {
            program = versions.map(version -> version.resolve("bin/psql"))
                    .filter(Files::exists)
                    .findFirst()
                    .orElse(program);
        }
        String url = server.url().replace("jdbc:", "").replaceFirst("\\?.*", "");
        return new ProcessBuilder(program.toString(), "-X", "-U", "postgres", "-c", "select 1", url)
                .redirectOutput(DIRECTORY.resolve("stdout").toFile())
                .redirectError(DIRECTORY.resolve("stderr").toFile())
                .start();
    }

    /** The kernel keeps the peak; it is asked until the process is gone. */
    private void measure(String name, Process process) throws InterruptedException, IOException {
        long start = System.nanoTime();
        double peak = 0;
        while (!process.waitFor(500, TimeUnit.MICROSECONDS)) {
            peak = Math.max(peak, memory(process, "VmHWM"));
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        if (process.exitValue() != 0) {
            throw new IllegalStateException(name + ": " + Files.readString(DIRECTORY.resolve("stderr")));
        }
        results.computeIfAbsent(name, key -> new ArrayList<>()).add(new Measured(seconds, peak));
    }

    private static double memory(Process process, String what) {
        try {
            Matcher line = Pattern.compile(what + ":\\s+(\\d+) kB")
                    .matcher(Files.readString(Path.of("/proc", String.valueOf(process.pid()), "status")));
            return line.find() ? Double.parseDouble(line.group(1)) * 1024 : 0;
        } catch (IOException e) {
            return 0;
        }
    }

    private Measured median(String name) {
        return Measured.median(results.getOrDefault(name, List.of()));
    }

    private static Path temporaryDirectory() {
        try {
            return Files.createTempDirectory("segdiff-bench");
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
