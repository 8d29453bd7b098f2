package dev.segdiff.support;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The built program, started as its users do: the jar, or with {@code -Dsegdiff.test.artifact=target/segdiff} the
 * native executable.
 */
public final class Segdiff {
    private static final Path ARTIFACT = Path.of(System.getProperty("segdiff.test.artifact", "target/segdiff.jar"))
            .toAbsolutePath();
    private static final long PATIENCE_SECONDS = 120;

    private final Map<String, String> environment = new HashMap<>();
    private final Path directory;
    private final Path artifact;

    public Segdiff(Path directory) {
        this(directory, ARTIFACT);
    }

    public Segdiff(Path directory, Path artifact) {
        this.directory = directory;
        this.artifact = artifact.toAbsolutePath();
    }

    /** What a process left behind. */
    public record Ended(int exitCode, String out, String err) {
        /** Its result, of a command with {@code --json}. */
        public JsonNode json() {
            try {
                return new ObjectMapper().readTree(out);
            } catch (IOException e) {
                throw new AssertionError(toString(), e);
            }
        }

        @Override
        public String toString() {
            return "exit code " + exitCode + "\n--- stdout\n" + out + "--- stderr\n" + err;
        }
    }

    public static boolean isNative() {
        return !isJar(ARTIFACT);
    }

    private static boolean isJar(Path artifact) {
        return artifact.toString().endsWith(".jar");
    }

    public Segdiff on(TestDatabase database) {
        return with("QUARKUS_DATASOURCE_JDBC_URL", database.url())
                .with("QUARKUS_DATASOURCE_USERNAME", database.worker())
                .with("QUARKUS_DATASOURCE_PASSWORD", database.workerPassword());
    }

    public Segdiff with(String variable, String value) {
        environment.put(variable, value);
        return this;
    }

    /** An event policy for a table with the column created_at. */
    public Segdiff withPolicy(String name, String table, String retention) {
        return with("SEGDIFF_EVENTS_" + name + "_TABLE", table)
                .with("SEGDIFF_EVENTS_" + name + "_TIME_COLUMN", "created_at")
                .with("SEGDIFF_EVENTS_" + name + "_RETENTION", retention);
    }

    /** Nothing runs by itself; and tests ask more often than people. */
    public Segdiff servingOnly() {
        return with("SEGDIFF_SCHEDULE_ENABLED", "false").with("SEGDIFF_API_REQUESTS_PER_SECOND", "1000");
    }

    /** Runs to the end. */
    public Ended run(String... arguments) {
        return runWithInput("", arguments);
    }

    public Ended runWithInput(String input, String... arguments) {
        try {
            Process process = start(arguments);
            try (OutputStream stdin = process.getOutputStream()) {
                stdin.write(input.getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                // It ended without reading all of its input.
            }
            return await(process);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts it, its output going to files of its own. */
    public Process start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        if (isJar(artifact)) {
            command.addAll(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    // Short-lived processes: half the start-up time.
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "-jar"));
        }
        command.add(artifact.toString());
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("QUARKUS_") || name.startsWith("SEGDIFF_"));
        builder.environment().putAll(environment);
        builder.redirectOutput(directory.resolve("stdout").toFile());
        builder.redirectError(directory.resolve("stderr").toFile());
        return builder.start();
    }

    public Ended await(Process process) {
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("still running after " + PATIENCE_SECONDS + " s: "
                        + Files.readString(directory.resolve("stderr")));
            }
            return new Ended(
                    process.exitValue(),
                    Files.readString(directory.resolve("stdout")),
                    Files.readString(directory.resolve("stderr")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
