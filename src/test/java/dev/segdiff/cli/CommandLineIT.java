package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The program as its users meet it. */
class CommandLineIT {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    Segdiff segdiff;

    @BeforeEach
    void build() {
        segdiff = new Segdiff(directory).on(db);
        db.execute("create table audience (contact_id bigint)", "insert into audience select generate_series(1, 5)");
    }

    private static Ended expect(int exitCode, Ended ended) {
        assertThat(ended.exitCode()).as(ended.toString()).isEqualTo(exitCode);
        return ended;
    }

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

    private Segdiff withPolicy() {
        db.execute(
                "create table event (id int primary key, created_at timestamptz not null)",
                "create index on event (created_at)",
                "insert into event select g, now() - g * interval '1 day' from generate_series(1, 200) g");
        return segdiff.with("SEGDIFF_EVENTS_AUDIT_TABLE", "public.event")
                .with("SEGDIFF_EVENTS_AUDIT_TIME_COLUMN", "created_at")
                .with("SEGDIFF_EVENTS_AUDIT_RETENTION", "90d");
    }

    @Test
    void policyOfTheEnvironmentIsServed() {
        withPolicy();

        assertThat(expect(0, segdiff.run("run", "event-expiry", "--dry-run")).out())
                .contains("eligible=111")
                .contains("delete from \"public\".\"event\"");
        assertThat(db.value("select count(*) from event")).isEqualTo("200");
        assertThat(expect(0, segdiff.run("status", "--json"))
                        .json()
                        .at("/2/goal/measures/1/value")
                        .asLong())
                .isGreaterThan(100 * 86400);
        assertThat(expect(0, segdiff.run("run", "event-expiry", "--json"))
                        .json()
                        .at("/0/counts/expired")
                        .asLong())
                .isEqualTo(111);
        assertThat(expect(0, segdiff.run("run", "event-expiry")).out())
                .contains("SKIPPED")
                .contains("nothing has expired");
        assertThat(db.value("select count(*) from segdiff.events_audit")).isEqualTo("89");
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

    @Test
    void pausedJobIsSkippedUntilItIsResumed() {
        withPolicy();

        expect(0, segdiff.run("pause", "event-expiry", "--reason", "migration at noon"));
        assertThat(expect(0, segdiff.run("run", "event-expiry")).out())
                .contains("SKIPPED")
                .contains("migration at noon");
        assertThat(expect(0, segdiff.run("status")).out()).contains("paused by ");
        assertThat(expect(0, segdiff.run("limit", "event-expiry", "--rows-per-second", "1000", "--json"))
                        .json()
                        .get("rows_per_second")
                        .asLong())
                .isEqualTo(1000);
        assertThat(expect(0, segdiff.run("resume", "event-expiry")).out())
                .contains("event-expiry: not paused, at most 1000 rows a second");
        assertThat(expect(0, segdiff.run("run", "event-expiry")).out()).contains("expired=111");
        assertThat(expect(0, segdiff.run("limit", "event-expiry", "--none")).out())
                .contains("event-expiry: not paused");
    }

    @Test
    void unusedSegmentGoesToTheTrashAndComesBack() {
        expect(0, segdiff.run("segments", "add", "7", "42", "--source", "audience"));
        expect(0, segdiff.run("run", "segment-diff"));
        db.execute("update segdiff.segments set last_used_at = now() - interval '35 days' where customer_id = 7");

        assertThat(expect(0, segdiff.run("run", "snapshot-cleanup")).out()).contains("trashed=1");
        assertThat(expect(2, segdiff.run("segments", "show", "7", "42")).err()).contains("not registered");
        assertThat(expect(0, segdiff.run("segments", "list", "--trash")).out()).contains("7/42");
        assertThat(expect(0, segdiff.run("segments", "list", "--trash", "--json"))
                        .json()
                        .at("/0/table/schema")
                        .asText())
                .isEqualTo("segdiff_trash");
        assertThat(expect(0, segdiff.run("segments", "restore", "7", "42")).out())
                .contains("segment 7/42 is back");
        assertThat(expect(0, segdiff.run("segments", "changes", "7", "42", "--format", "csv"))
                        .out())
                .contains("5");
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
    void segmentIsRegisteredRunReadAndRemoved() {
        assertThat(expect(0, segdiff.run("segments", "add", "7", "1", "--source", "audience"))
                        .out())
                .contains("segment 7/1 added");
        assertThat(expect(0, segdiff.run("segments", "add", "7", "1", "--source", "audience"))
                        .out())
                .contains("was registered before");
        expect(0, segdiff.run("run", "--day", "2026-03-01"));
        db.execute("delete from audience where contact_id = 1", "insert into audience values (6)");
        JsonNode runs = expect(0, segdiff.run("run", "segment-diff", "--day", "2026-03-02", "--json"))
                .json();
        assertThat(runs.get(0).get("outcome").asText()).isEqualTo("SUCCEEDED");
        assertThat(runs.get(0).get("counts").get("added").asInt()).isEqualTo(1);

        JsonNode shown =
                expect(0, segdiff.run("segments", "show", "7", "1", "--json")).json();
        long first = shown.get("versions").get(1).get("version").asLong();
        assertThat(shown.get("segment").get("contacts").asInt()).isEqualTo(5);

        assertThat(expect(0, segdiff.run("segments", "changes", "7", "1", "--since", "" + first, "--format", "csv"))
                        .out()
                        .lines())
                .containsExactlyInAnyOrder("contact_id,change", "1,removed", "6,added");
        JsonNode changes = expect(0, segdiff.run("segments", "changes", "7", "1", "--format", "json"))
                .json();
        assertThat(changes.get("complete").asBoolean()).isTrue();
        assertThat(changes.get("changes")).hasSize(5);
        assertThat(expect(0, segdiff.run("segments", "changes", "7", "1")).out())
                .contains("+ 6", "5 added, 0 removed");

        assertThat(expect(0, segdiff.run("segments", "use", "7", "1")).out()).contains("is at version");
        assertThat(expect(0, segdiff.run("segments", "list")).out()).contains("public.audience");
        assertThat(expect(0, segdiff.run("runs")).out()).contains("segment-diff", "2026-03-02", "SUCCEEDED");
        assertThat(expect(0, segdiff.run("status")).out()).contains("goal not met: 1 of 1 segments due");
        assertThat(expect(0, segdiff.run("segments", "remove", "7", "1")).out()).contains("removed");
        assertThat(expect(0, segdiff.run("segments", "list")).out()).contains("No segments");
        assertThat(db.rows("select relnamespace::regnamespace from pg_class where relname ~ '^segment_7_'"))
                .containsExactly("segdiff_trash");
    }

    @Test
    void uploadIsStreamedFromStandardInput() {
        expect(0, segdiff.run("segments", "add", "7", "2", "--upload"));

        String lines =
                IntStream.rangeClosed(1, 2000).mapToObj(Integer::toString).collect(Collectors.joining("\n"));
        assertThat(expect(0, segdiff.runWithInput(lines, "segments", "load", "7", "2"))
                        .out())
                .contains("2000 contacts");
        assertThat(expect(2, segdiff.runWithInput("1\n2\nthree\n", "segments", "load", "7", "2", "-"))
                        .err())
                .contains("line 3", "'three'");
        assertThat(expect(3, segdiff.runWithInput("1\n", "segments", "load", "7", "2"))
                        .out())
                .contains("held back, 1999 of 2000");
        assertThat(expect(0, segdiff.runWithInput("contact_id,x\n1,a\n", "segments", "load", "7", "2", "--accept"))
                        .out())
                .contains("1 contacts, +0 -1999");
        assertThat(expect(2, segdiff.run("segments", "load", "7", "2", "no-such-file"))
                        .err())
                .contains("file no-such-file does not exist");
    }

    @Test
    void heldBackVersionExitsWithThreeAndFaultySourceWithOne() {
        expect(0, segdiff.run("segments", "add", "7", "1", "--source", "audience"));
        segdiff.with("SEGDIFF_SEGMENTS_MAX_REMOVED_FLOOR", "0");
        expect(0, segdiff.run("run", "--day", "2026-03-01"));
        db.execute("truncate audience");

        assertThat(expect(3, segdiff.run("run", "--day", "2026-03-02")).out()).contains("7/1", "5 of 5");
        expect(0, segdiff.run("run", "--day", "2026-03-02", "--accept", "7/1"));

        db.execute("drop table audience");
        assertThat(expect(1, segdiff.run("run", "--day", "2026-03-03")).out())
                .contains("source public.audience does not exist");
    }

    @Test
    void terminatedRunClosesItsLedgerRowAndExitsWith75() throws IOException {
        db.execute("create view slow as select 1 as contact_id from pg_sleep(600)");
        expect(0, segdiff.run("segments", "add", "7", "1", "--source", "slow"));
        Process process = segdiff.start("run", "segment-diff");
        while (db.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'")
                .equals("0")) {
            Thread.onSpinWait();
        }

        process.destroy();

        assertThat(expect(75, segdiff.await(process)).out()).contains("INTERRUPTED", "SIGTERM");
        assertThat(db.value("select outcome || ' ' || reason from segdiff.runs"))
                .isEqualTo("INTERRUPTED SIGTERM");
    }

    @Test
    void migrateSaysWhatItApplied() throws Exception {
        TestDatabase empty = new TestDatabase();
        empty.create("template0");
        try {
            Segdiff fresh = new Segdiff(directory).on(empty);
            assertThat(expect(2, fresh.with("SEGDIFF_MIGRATE_AT_START", "false").run("status"))
                            .err())
                    .contains("segdiff migrate");
            assertThat(expect(0, fresh.run("migrate")).out()).contains("applied 1 segments");
            assertThat(expect(0, fresh.run("migrate")).out()).contains("up to date");
            expect(0, fresh.run("status"));
        } finally {
            empty.drop();
        }
    }

    @Test
    void demoReplaysRealDaysAndShowsWhatCameOfThem() {
        db.execute("grant create on database %s to segdiff_worker".formatted(db.name()));

        Ended ended = expect(0, segdiff.run("demo"));

        assertThat(ended.out())
                .contains(
                        "Loaded 65,075 events, replayed 30 days", "2024-09-25", "2024-10-24", "segdiff_demo.newcomers")
                .containsPattern("2024-10-2\\d .* -\\d+ \\| \\+\\d+")
                .containsPattern("\\d+ added, \\d+ removed");
        // Counted from the log by another way: contributors of the last 30 days at the end.
        assertThat(db.value("""
                        select contacts = (select count(distinct contact_id) from segdiff_demo.activity
                            where created_at >= '2024-09-25T00:00Z' and created_at < '2024-10-25T00:00Z')
                        from segdiff.segment_versions where segment_id = 1 and day = '2024-10-24'
                        """)).isEqualTo("t");
        expect(0, segdiff.run("demo"));
        expect(0, segdiff.run("segments", "add", "7", "1", "--source", "audience"));
        assertThat(expect(2, segdiff.run("demo")).err()).contains("7/1");
    }

    @Test
    void withoutADatabaseTheJarBringsOneAndASecondProcessJoinsIt() throws Exception {
        Segdiff alone = new Segdiff(directory);
        if (Segdiff.isNative()) {
            assertThat(expect(2, alone.run("status")).err()).contains("no database: set QUARKUS_DATASOURCE_JDBC_URL");
            return;
        }
        expect(0, alone.run("segments", "add", "7", "1", "--upload"));
        Path second = java.nio.file.Files.createDirectory(directory.resolve("second"));
        java.nio.file.Files.createSymbolicLink(second.resolve(".segdiff"), directory.resolve(".segdiff"));
        Process loading = alone.start("segments", "load", "7", "1");
        awaitPostmaster();

        Ended joined = expect(0, new Segdiff(second).run("segments", "list"));

        assertThat(joined.err()).contains("joined the embedded PostgreSQL");
        loading.getOutputStream().write("1\n2\n".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        loading.getOutputStream().close();
        assertThat(expect(0, alone.await(loading)).out()).contains("2 contacts");
        assertThat(directory.resolve(".segdiff/postgres/postmaster.pid")).doesNotExist();

        // Killed without a chance to stop its server: the next one joins, works and stops it.
        Process killed = alone.start("segments", "load", "7", "1");
        awaitPostmaster();
        killed.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
        assertThat(expect(0, alone.run("segments", "list")).out()).contains("(upload)");
        assertThat(directory.resolve(".segdiff/postgres/postmaster.pid")).doesNotExist();
    }

    private void awaitPostmaster() throws IOException {
        Path pid = directory.resolve(".segdiff/postgres/postmaster.pid");
        while (!java.nio.file.Files.exists(pid)
                || !java.nio.file.Files.readString(pid).contains("ready")) {
            Thread.onSpinWait();
        }
    }
}
