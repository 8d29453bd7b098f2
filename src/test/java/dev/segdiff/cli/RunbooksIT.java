package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The commands of the runbooks are true: each is run, in order, against a database like the one they speak of. */
class RunbooksIT {
    private static final Pattern BLOCK = Pattern.compile("(?ms)^```(sql|sh)\\n(.*?)^```");
    private static final List<String> SECTIONS =
            List.of("## Meaning", "## Impact", "## Diagnosis", "## Mitigation", "## Prevention");

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    private static List<Path> runbooks() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("ops-runbooks"))) {
            return files.filter(file -> file.toString().endsWith(".md") && !file.endsWith("README.md"))
                    .sorted()
                    .toList();
        }
    }

    private Segdiff configured() {
        return new Segdiff(directory)
                .on(db)
                .with("SEGDIFF_EVENTS_AUDIT_TABLE", "public.event")
                .with("SEGDIFF_EVENTS_AUDIT_TIME_COLUMN", "created_at")
                .with("SEGDIFF_EVENTS_AUDIT_RETENTION", "90d");
    }

    @BeforeEach
    void prepare() {
        db.execute(
                "create schema app",
                "grant usage on schema app to segdiff_worker",
                "create table app.audience (contact_id bigint)",
                "insert into app.audience select generate_series(1, 10)",
                "create table event (created_at timestamptz not null)",
                "insert into event select now() - i * interval '1 day' from generate_series(1, 100) i",
                "create index on event (created_at)");
        db.execute("insert into segdiff.segments (customer_id, segment_id, source) values (7, 42, 'app.audience')");
        expectZero(configured(), "run");
    }

    private static void expectZero(Segdiff segdiff, String... arguments) {
        Ended ended = segdiff.run(arguments);
        assertThat(ended.exitCode()).as(ended.toString()).isZero();
    }

    @ParameterizedTest
    @MethodSource("runbooks")
    void commandsOfTheRunbookAreTrue(Path runbook) throws IOException {
        String text = Files.readString(runbook);
        assertThat(text).startsWith("# ").contains(SECTIONS);
        int commands = 0;
        for (Matcher block = BLOCK.matcher(text); block.find(); commands++) {
            if (block.group(1).equals("sql")) {
                db.execute(block.group(2));
            } else {
                block.group(2).lines().forEach(this::runLine);
            }
        }
        assertThat(commands).isPositive();
    }

    /** What a shell makes of a line: {@code NAME=value segdiff command argument "argument with spaces"}. */
    private void runLine(String line) {
        List<String> words = new ArrayList<>();
        for (Matcher word = Pattern.compile("\"([^\"]*)\"|(\\S+)").matcher(line); word.find(); ) {
            words.add(word.group(1) == null ? word.group(2) : word.group(1));
        }
        int command = words.indexOf("segdiff");
        assertThat(words.subList(0, command)).as(line).allMatch(word -> word.contains("="));
        Segdiff shell = configured();
        words.subList(0, command).forEach(word -> shell.with(word.split("=", 2)[0], word.split("=", 2)[1]));
        expectZero(shell, words.subList(command + 1, words.size()).toArray(String[]::new));
    }
}
