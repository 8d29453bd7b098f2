package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Mistakes of callers and of the configuration: each is told with what to do. */
class MistakesIT extends CommandFixture {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--help | Usage: segdiff",
                "--version | segdiff 0.",
                "run --help | --time-budget",
                "segments load --help | contact_id",
                "help-is-not-a-command | "
            })
    void helpAndVersionNeedNoDatabase(String line, String expected) {
        Segdiff nowhere = new Segdiff(directory).with("QUARKUS_DATASOURCE_JDBC_URL", "jdbc:postgresql://127.0.0.1:1/x");

        Ended ended = nowhere.run(line.strip().split(" "));

        if (expected == null) {
            assertThat(expect(2, ended).err()).contains("unknown command");
        } else {
            assertThat(expect(0, ended).out()).contains(expected.strip());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "rum | unknown command 'rum', did you mean run?",
                "run --dya 2026-01-01 | unknown option '--dya', did you mean --day?",
                "run segment-dif | unknown job 'segment-dif', did you mean segment-diff?",
                "run --day tomorrow | expected a day such as 2026-01-31, got 'tomorrow'",
                "run --day 2999-01-01 | has not begun",
                "run --time-budget soon | expected a duration such as",
                "run --accept seven | could hold back is called 'seven', expected CUSTOMER/SEGMENT such as 7/42",
                "segments | expected one of add, list",
                "segments add x 1 --upload | 'x' is not a long",
                "segments add -7 1 --upload | expected non-negative customer and segment, got -7 and 1",
                "segments add 7 1 | Missing required argument",
                "segments add 7 1 --source nowhere.nothing | source nowhere.nothing does not exist",
                "segments add 7 1 --source pg_catalog.pg_class | has no column contact_id",
                "segments add 7 1 --source a;b | is no relation",
                "segments show 7 99 | segment 7/99 is not registered",
                "segments load 7 99 | segment 7/99 is not registered",
                "segments changes 7 99 | segment 7/99 is not registered",
                "segments changes 7 1 --format xml | expected one of",
                "runs --job nope | unknown job 'nope'",
                "pause nope | unknown job 'nope'",
                "limit event-expiry | Missing required argument",
                "limit event-expiry --rows-per-second 0 | '--rows-per-second': expected a whole number from 1 on, got '0'",
                "segments restore 7 99 | segment 7/99 is not in the trash",
            })
    void mistakesAreToldWithWhatToDoAndExitWithTwo(String line, String expected) {
        Ended ended = expect(2, segdiff.run(line.strip().split(" ")));

        assertThat(ended.err()).contains(expected.strip()).doesNotContain("\tat ");
        assertThat(ended.out()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "SEGDIFF_SEGMENTS_PARALELLISM | 3 | unknown key segdiff.segments.paralellism, did you mean segdiff.segments.parallelism?",
                "SEGDIFF_SEGMENTS_PARALLELISM | many | segdiff.segments.parallelism has the value 'many': expected a whole number from 1 on",
                "SEGDIFF_SEGMENTS_MAX_REMOVED | 200% | expected a share from 0% to 100%",
                "SEGDIFF_TIME_ZONE | Mars | expected a time zone by name",
                "SEGDIFF_LOCK_TIMEOUT | soon | segdiff.lock-timeout",
                "SEGDIFF_TIME_ZONE | +02:00 | expected a time zone by name",
                "SEGDIFF_EVENTS_AUDIT_RETENTION | soon | segdiff.events.audit.retention",
                "SEGDIFF_EVENTS_AUDIT_RETENTION | 30m | segdiff.events.audit.retention is PT30M, expected an hour or more",
                "SEGDIFF_EVENTS_AUDIT_PARTITION_INTERVAL | fortnight | segdiff.events.audit.partition-interval",
                "QUARKUS_DATASOURCE_PASSWORD | wrong | check QUARKUS_DATASOURCE_JDBC_URL",
            })
    void badConfigurationIsRefusedWithKeyValueAndWhatIsAllowed(String name, String value, String expected) {
        if (name.strip().equals("QUARKUS_DATASOURCE_PASSWORD") && db.password().isEmpty()) {
            return; // The embedded server trusts everybody on loopback.
        }
        Ended ended = expect(2, segdiff.with(name.strip(), value.strip()).run("status"));

        assertThat(ended.err()).contains(expected.strip()).doesNotContain("\tat ");
    }

    @Test
    void everyCommandRefusesUnknownKeys() {
        for (String command : new String[] {"migrate", "status"}) {
            Ended ended = expect(2, segdiff.with("SEGDIFF_TIME_ZOEN", "UTC").run(command));

            assertThat(ended.err()).contains("unknown key segdiff.time.zoen");
        }
    }

    @Test
    void databaseThatCannotBeReachedFails() {
        Ended ended = expect(
                1,
                segdiff.with("QUARKUS_DATASOURCE_JDBC_URL", "jdbc:postgresql://127.0.0.1:1/x")
                        .run("status"));

        assertThat(ended.err()).contains("cannot reach the database").doesNotContain("\tat ");
    }

    @Test
    void roleWithoutPrivilegesIsTold() {
        db.execute("create role guest_%1$s login password 'guest'".formatted(db.name()));
        try {
            Ended ended = expect(
                    2,
                    segdiff.with("QUARKUS_DATASOURCE_USERNAME", "guest_" + db.name())
                            .with("QUARKUS_DATASOURCE_PASSWORD", "guest")
                            .run("status"));

            assertThat(ended.err()).contains("permission denied").doesNotContain("\tat ");
        } finally {
            db.execute("drop role guest_" + db.name());
        }
    }

    @Test
    void policyFromTheFileIsServedAndItsUnknownKeyIsRefused() throws IOException {
        withPolicy();
        Files.createDirectories(directory.resolve("config"));
        Path file = directory.resolve("config/application.properties");
        Files.writeString(file, """
                segdiff.events.click-log.table=public.event
                segdiff.events.click-log.time-column=created_at
                segdiff.events.click-log.retention=100d
                segdiff.events.click-log.enabled=false
                """);
        assertThat(expect(0, segdiff.run("status")).out()).contains("click-log: disabled");

        Files.writeString(file, "segdiff.events.click-log.retentoin=100d");
        assertThat(expect(2, segdiff.run("status")).err())
                .contains(
                        "unknown key segdiff.events.click-log.retentoin, did you mean segdiff.events.click-log.retention?");
    }
}
