package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
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

/** The commands of runbooks, guides and README are true: each is run, in order, against a database like the one described. */
class RunbooksIT {
    private static final Path README = Path.of("README.md");
    private static final Pattern BLOCK = Pattern.compile("(?ms)^ *```(sql|sh)\\n(.*?)^ *```");

    private static final List<String> SECTIONS =
            List.of("## Meaning", "## Impact", "## Diagnosis", "## Mitigation", "## Prevention");

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    private static List<Path> runbooks() throws IOException {
        return pages(Path.of("ops-runbooks"));
    }

    /** Pages that have commands to try: the front door and the guides. */
    private static List<Path> guides() throws IOException {
        List<Path> pages = new ArrayList<>(List.of(README));
        pages.addAll(pages(Path.of("ops-runbooks", "guide")));
        pages.removeIf(page -> !BLOCK.matcher(read(page)).find());
        return pages;
    }

    private static List<Path> pages(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".md"))
                    .filter(file -> !file.equals(Path.of("ops-runbooks", "README.md")))
                    .sorted()
                    .toList();
        }
    }

    private static String read(Path page) {
        try {
            return Files.readString(page);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Segdiff configured() {
        return new Segdiff(directory).on(db).withPolicy("AUDIT", "public.event", "90d");
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
    }

    /** A customer 7 with a segment 7/42. */
    private void addSegment() {
        db.execute("insert into segdiff.segments (customer_id, segment_id, source) values (7, 42, 'app.audience')");
    }

    private static void expectZero(Segdiff segdiff, String... arguments) {
        Ended ended = segdiff.run(arguments);
        assertThat(ended.exitCode()).as(ended.toString()).isZero();
    }

    @ParameterizedTest
    @MethodSource("runbooks")
    void commandsOfTheRunbookAreTrue(Path runbook) {
        addSegment();
        expectZero(configured(), "run");

        assertThat(read(runbook)).startsWith("# ").contains(SECTIONS);
        assertThat(tried(runbook)).isPositive();
    }

    @ParameterizedTest
    @MethodSource("guides")
    void commandsOfTheGuideAreTrue(Path guide) {
        db.execute(
                "select setval('segdiff.version_ids', 17, false)",
                "create table app.shard (shard_id bigint primary key, node text)",
                "insert into app.shard values (102008, 'node-1')");
        if (!guide.equals(README)) {
            addSegment();
            LocalDate yesterday = LocalDate.now(ZoneOffset.UTC).minusDays(1);
            expectZero(configured(), "run", "segment-diff", "--day", yesterday.toString());
            expectZero(configured(), "run", "segment-diff");
        }

        assertThat(tried(guide)).isPositive();
    }

    /** Runs the commands of a page; their number. */
    private int tried(Path page) {
        int commands = 0;
        for (Matcher block = BLOCK.matcher(read(page)); block.find(); commands++) {
            if (block.group(1).equals("sql")) {
                db.execute(block.group(2));
            } else {
                block.group(2).lines().forEach(this::runLine);
            }
        }
        return commands;
    }

    /** What a shell makes of a line: {@code NAME=value segdiff command argument "argument with spaces"}. */
    private void runLine(String line) {
        List<String> words = new ArrayList<>();
        for (Matcher word = Pattern.compile("\"([^\"]*)\"|(\\S+)").matcher(line.strip()); word.find(); ) {
            if ("#".equals(word.group(2))) {
                break;
            }
            words.add(word.group(1) == null ? word.group(2) : word.group(1));
        }
        int command = words.indexOf("segdiff");
        assertThat(words.subList(0, command)).as(line).allMatch(word -> word.contains("="));
        Segdiff shell = configured();
        words.subList(0, command).forEach(word -> shell.with(word.split("=", 2)[0], word.split("=", 2)[1]));
        expectZero(shell, words.subList(command + 1, words.size()).toArray(String[]::new));
    }
}
