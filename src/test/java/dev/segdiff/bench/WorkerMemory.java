package dev.segdiff.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The peak memory of the worker, as the kernel counts it, with few and with many contacts: rows stay in the server. */
public final class WorkerMemory {
    private WorkerMemory() {}

    public static void main(String... args) throws Exception {
        System.out.println("\npeak memory of the worker process, first version and one more");
        System.out.println("| contacts | " + Path.of(artifact()).getFileName() + " |");
        System.out.println("|---|---|");
        for (int contacts : new int[] {10_000, 10_000_000}) {
            try (BenchServer server = new BenchServer()) {
                server.execute(
                        "create table audience as select g as contact_id from generate_series(1::bigint, %d) g"
                                .formatted(contacts),
                        "insert into segdiff.segments (customer_id, segment_id, source) values (1, 1, 'public.audience')");
                long first = peakKilobytes(server, "2026-03-01");
                server.execute("update audience set contact_id = -contact_id where contact_id % 100 = 0");
                System.out.printf(
                        "| %,d | %d MB |%n", contacts, Math.max(first, peakKilobytes(server, "2026-03-02")) / 1024);
            }
        }
    }

    private static String artifact() {
        return System.getProperty("segdiff.test.artifact", "target/segdiff.jar");
    }

    private static long peakKilobytes(BenchServer server, String day) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        if (artifact().endsWith(".jar")) {
            // A fixed heap: how much of a larger one is used is the collector's taste, not the program's need.
            command.addAll(List.of("java", "-Xmx64m", "-XX:+UseSerialGC", "-jar"));
        }
        command.addAll(List.of(artifact(), "run", "segment-diff", "--day", day));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("QUARKUS_DATASOURCE_JDBC_URL", server.url());
        builder.environment().put("QUARKUS_DATASOURCE_USERNAME", "postgres");
        Process process = builder.start();
        long peak = 0;
        while (process.isAlive()) {
            peak = Math.max(peak, highWaterMark(process.pid()));
            Thread.sleep(5);
        }
        if (process.exitValue() != 0) {
            throw new IllegalStateException("segdiff ended with " + process.exitValue());
        }
        return peak;
    }

    private static long highWaterMark(long pid) throws IOException {
        try {
            return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                    .filter(line -> line.startsWith("VmHWM"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst()
                    .orElse(0);
        } catch (NoSuchFileException e) {
            return 0;
        }
    }
}
