package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The program as its users meet it. */
class CommandLineIT extends CommandFixture {
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
