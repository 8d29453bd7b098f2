package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What makes no sense is refused, in words, and what came from data is shown so that it does nothing. */
class RefusalIT {
    /** Colours, a line that looks like one of ours, and what sets the title of a terminal. */
    private static final String TRICKS = "\u001b[31mred\nsegdiff: all is well\u009b2J\u001b]0;title\u0007";

    private static final String SHOWN = "\\x1b[31mred\\x0asegdiff: all is well\\x9b2J\\x1b]0;title\\x07";

    private static final List<String> DURATIONS = List.of(
            "segdiff.time-budget",
            "segdiff.lease-duration",
            "segdiff.lock-timeout",
            "segdiff.statement-timeout",
            "segdiff.batch.target-duration",
            "segdiff.batch.max-pause",
            "segdiff.throttle.max-wait",
            "segdiff.throttle.max-replication-lag",
            "segdiff.segments.diff-retention",
            "segdiff.segments.source-timeout",
            "segdiff.segments.unused-after",
            "segdiff.segments.trash-after",
            "segdiff.segments.orphan-grace",
            "segdiff.events.audit-log.retention",
            "segdiff.events.audit-log.trash-after",
            "segdiff.index.statement-timeout",
            "segdiff.index.max-wait");

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private Segdiff segdiff;

    @BeforeEach
    void configure() {
        segdiff = new Segdiff(directory).on(db);
    }

    private static Ended expect(int exitCode, Ended ended) {
        assertThat(ended.exitCode()).as(ended.toString()).isEqualTo(exitCode);
        return ended;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "runs --limit -1 | '--limit': expected a whole number from 1 on, got '-1'",
                "runs --limit 0 | expected a whole number from 1 on",
                "runs --limit 99999999999 | expected a whole number from 1 on",
                "audit log public.t --limit 0 | expected a whole number from 1 on",
                "index report --limit -3 | expected a whole number from 1 on",
                "limit event-expiry --rows-per-second -1 | expected a whole number from 1 on",
                "run --time-budget -5m | '--time-budget': expected a duration of a second or more",
                "run --time-budget 0 | expected a duration of a second or more",
                "run --time-budget 0s | expected a duration of a second or more",
                "run --time-budget 999999999999d | expected a duration",
                "run --time-budget PT999999999999999999999H | expected a duration",
            })
    void numberThatMakesNoSenseIsRefused(String line, String expected) {
        assertThat(expect(2, segdiff.run(line.strip().split(" "))).err())
                .contains(expected.strip())
                .doesNotContain("Exception", "\tat ");
    }

    /** All that is wrong is told at once. */
    @ParameterizedTest
    @ValueSource(strings = {"-5m", "9999999d"})
    void durationOfTheConfigurationThatMakesNoSenseIsRefused(String value) {
        DURATIONS.forEach(key -> segdiff.with(variable(key), value));

        Ended ended = expect(2, segdiff.run("status"));

        assertThat(ended.err()).doesNotContain("Exception", "\tat ");
        assertThat(DURATIONS).allSatisfy(key -> assertThat(ended.err().lines())
                .anyMatch(line -> line.contains("key " + key + " has the value '" + value + "': expected a duration")));
    }

    private static String variable(String key) {
        return key.toUpperCase(Locale.ROOT).replaceAll("[.-]", "_");
    }

    @Test
    void negativeNumberOfTheConfigurationIsRefused() {
        for (String variable :
                new String[] {"SEGDIFF_SEGMENTS_MAX_REMOVED_FLOOR", "SEGDIFF_EVENTS_AUDIT_LOG_PARTITIONS_AHEAD"}) {
            Ended ended =
                    expect(2, new Segdiff(directory).on(db).with(variable, "-1").run("status"));

            assertThat(ended.err()).contains("'-1'", "expected a whole number");
        }
    }

    private Ended load(String input) {
        return segdiff.runWithInput(input, "segments", "load", "7", "2");
    }

    @Test
    void badInputIsRefusedInWordsAndNotEchoedWhole() throws IOException {
        expect(0, segdiff.run("segments", "add", "7", "2", "--upload"));

        assertThat(expect(2, load("contact_id,name,contact_id\n1,a,2\n")).err())
                .contains("line 1: the header names contact_id 2 times");
        assertThat(expect(2, load("1\n" + "x".repeat(3_000_000) + "\n")).err())
                .contains("line 2: expected a contact id", "xxx...'")
                .hasSizeLessThan(300);
        assertThat(expect(2, load("y".repeat(3_000_000) + "\n")).err()).hasSizeLessThan(300);
        assertThat(expect(2, load("contact_id\n\"1\"2\n")).err()).doesNotContain("Exception");
        Path binary = Files.write(directory.resolve("binary"), new byte[] {'1', '\n', (byte) 0xff, (byte) 0xfe, '\n'});
        for (String file : new String[] {"nowhere", directory.toString(), binary.toString(), binary + "/x"}) {
            assertThat(expect(2, segdiff.run("segments", "load", "7", "2", file))
                            .err())
                    .doesNotContain("Exception", "\tat ", "Malformed");
        }
    }

    @Test
    void fileOfTokensThatCannotBeReadIsToldInWords() throws IOException {
        Files.write(directory.resolve("tokens"), "anna run \u00e4\n".getBytes(StandardCharsets.ISO_8859_1));
        for (String file : new String[] {"nowhere", directory.toString(), "tokens"}) {
            assertThat(expect(2, segdiff.with("SEGDIFF_API_TOKENS_FILE", file).run("serve"))
                            .err())
                    .contains("segdiff.api.tokens-file")
                    .doesNotContain("Exception", "Malformed", "\tat ");
        }
    }

    @Test
    void whatCameFromDataIsPrintedWithoutControlCharacters() {
        assertThat(expect(0, segdiff.run("pause", "event-expiry", "--reason", TRICKS))
                        .out())
                .contains(SHOWN)
                .doesNotContain("\u001b");
        Ended status = expect(0, segdiff.run("status"));
        assertThat(status.out()).contains(SHOWN).doesNotContain("\u001b").doesNotContain("\u009b");
        Ended run = expect(0, segdiff.run("run", "event-expiry"));
        assertThat(run.out()).contains(SHOWN).doesNotContain("\u001b");
        assertThat(run.err()).contains(SHOWN).doesNotContain("\u001b");
        db.execute("""
                insert into segdiff.runs (job, trigger, worker, day, dry_run, ended_at, outcome)
                values (E'\\x1b[31mred\\nline', 'COMMAND', 'w', '2026-03-01', false, now(), 'SUCCEEDED')
                """);
        assertThat(expect(0, segdiff.run("runs")).out())
                .contains("\\x1b[31mred\\x0aline")
                .doesNotContain("\u001b");
        assertThat(expect(2, segdiff.run("runs", "--job", TRICKS)).err()).doesNotContain("\u001b");
        assertThat(expect(2, segdiff.run(TRICKS)).err()).doesNotContain("\u001b");
    }
}
