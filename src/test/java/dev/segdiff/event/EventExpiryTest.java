package dev.segdiff.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.db.Cancellation;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunFixture;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Plain tables, in batches. */
class EventExpiryTest {
    private static final String[] SMALL_BATCHES = {"segdiff.batch.min-rows", "10", "segdiff.batch.max-rows", "10"};

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private EventFixture events(String... more) {
        return new EventFixture(db, EventFixture.policy(more));
    }

    /** A row a day: row n is n days old, but for an hour, so that nothing lies near a boundary by chance. */
    private void table(int days) {
        db.execute(
                "create table event (id bigint primary key, created_at timestamptz not null, note text)",
                "insert into event select g, now() - g * interval '1 day' + interval '1 hour' from generate_series(1, %d) g"
                        .formatted(days),
                "create index on event (created_at)");
    }

    private List<String> ids(String where) {
        return db.rows("select id from event where " + where + " order by id");
    }

    private String range() {
        return db.value("select min(id) || '..' || max(id) || ' ' || count(*) from event");
    }

    @Test
    void deletesOnlyExpiredRows() {
        table(200);

        RunReport report = events().run();

        assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(report.counts()).contains(Map.entry("expired", 110L));
        assertThat(range()).isEqualTo("1..90 90");
    }

    @Test
    void worksInManyBatchesAndSavesTheCursorOfEach() {
        table(200);

        RunReport report = events(SMALL_BATCHES).run();

        assertThat(report.counts()).contains(Map.entry("expired", 110L), Map.entry("batches", 11L));
        assertThat(range()).isEqualTo("1..90 90");
        assertThat(db.value("select cursor::timestamptz <= now() - interval '90 days' from segdiff.event_policies"))
                .isEqualTo("t");
        assertThat(db.rows("select policy, expired from segdiff.event_days")).containsExactly("audit|110");
    }

    @Test
    void secondRunHasNothingToDoAndSaysSo() {
        table(200);
        events().run();

        RunReport again = events().run();

        assertThat(again.outcome()).isEqualTo(Outcome.SKIPPED);
        assertThat(again.reason()).isEqualTo("nothing has expired");
    }

    @Test
    void rowExactlyOnTheBoundaryIsInsideTheRetention() {
        db.execute(
                "create table event (id bigint primary key, created_at timestamptz not null)",
                "create index on event (created_at)",
                // 90 days before the end of 2026-03-01 in UTC.
                """
                insert into event values (1, '2025-12-01 23:59:59.999999+00'), (2, '2025-12-02 00:00:00+00'),
                    (3, '2025-12-02 00:00:00.000001+00')
                """);

        events().run(RunFixture.request(LocalDate.of(2026, 3, 1)));

        assertThat(ids("true")).containsExactly("2", "3");
    }

    @Test
    void dayThatIsNotOverExpiresAsOfNow() {
        table(100);

        events().run(RunFixture.request(LocalDate.now(java.time.ZoneOffset.UTC).plusDays(5)));

        assertThat(range()).isEqualTo("1..90 90");
    }

    @Test
    void rowInsertedBehindTheCursorIsFoundByTheNextRun() {
        table(200);
        events().run();
        db.execute("insert into event values (1000, now() - interval '150 days')");

        RunReport report = events().run();

        assertThat(report.counts()).contains(Map.entry("expired", 1L));
        assertThat(range()).isEqualTo("1..90 90");
    }

    @Test
    void moreRowsOfOneMomentThanFitABatchGoPageByPage() {
        db.execute(
                "create table event (id bigint primary key, created_at date not null, note text)",
                "insert into event select g, date '2020-01-01' + g / 5000, repeat('x', 100) from generate_series(0, 19999) g",
                "insert into event values (100000, current_date)",
                "create index on event (created_at)");

        RunReport report = events("segdiff.batch.min-rows", "10", "segdiff.batch.max-rows", "500")
                .run();

        assertThat(report.counts()).contains(Map.entry("expired", 20000L));
        assertThat(report.counts().get("batches")).isGreaterThan(40);
        assertThat(ids("true")).containsExactly("100000");
    }

    @Test
    void lockedRowsArePassedOverAndLeftForTheNextRun() throws SQLException {
        table(200);
        try (Connection application = db.connect()) {
            application.setAutoCommit(false);
            TestDatabase.rows(application, "select id from event where id in (120, 150) for update");

            RunReport report = events(SMALL_BATCHES).run();

            assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
            assertThat(report.reason()).contains("locked by others, left for the next run: 2");
            assertThat(report.counts()).contains(Map.entry("expired", 108L), Map.entry("locked", 2L));
            assertThat(ids("id > 90")).containsExactly("120", "150");
        }
        assertThat(events().run().counts()).contains(Map.entry("expired", 2L));
    }

    @Test
    void lockedRowsThatAreFreedMeanwhileGoInTheFinalPass() throws Exception {
        table(200);
        Connection application = db.connect();
        application.setAutoCommit(false);
        TestDatabase.rows(application, "select id from event where id = 199 for update");
        Thread release = new Thread(() -> {
            while (db.value("select count(*) from event").equals("200")) {
                Thread.onSpinWait();
            }
            try {
                application.close();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
        release.start();

        RunReport report = events(SMALL_BATCHES).run();
        release.join();

        assertThat(report.counts()).contains(Map.entry("expired", 110L)).doesNotContainKey("locked");
        assertThat(range()).isEqualTo("1..90 90");
    }

    @Test
    void rowWhoseTimeIsMovedIntoTheRetentionWhileItIsLockedIsSpared() throws Exception {
        table(100);
        Connection application = db.connect();
        application.setAutoCommit(false);
        application.createStatement().execute("update event set created_at = now() where id = 95");
        Thread commit = new Thread(() -> {
            while (db.value("select count(*) from pg_locks where not granted").equals("0")) {
                Thread.onSpinWait();
            }
            try {
                application.commit();
                application.close();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
        commit.start();

        events().run();
        commit.join();

        assertThat(ids("id > 90")).containsExactly("95");
    }

    @Test
    void concurrentWritersNeverLoseARowInsideTheRetention() throws Exception {
        table(2000);
        db.execute("create table kept (id bigint)");
        Thread[] writers = new Thread[3];
        for (int w = 0; w < writers.length; w++) {
            int seed = w;
            writers[w] = new Thread(() -> {
                try (Connection application = db.connect()) {
                    java.util.Random random = new java.util.Random(seed);
                    for (int i = 0; i < 150; i++) {
                        int id = 91 + random.nextInt(1900);
                        application.createStatement().execute("""
                                with moved as (update event set created_at = now() where id = %d and created_at < now() - interval '1 day' returning id)
                                insert into kept select id from moved
                                """.formatted(id));
                        application.createStatement().execute("""
                                with back as (update event set created_at = now() - interval '100 days' where id = %d and created_at > now() - interval '80 days' returning id)
                                delete from kept using back where kept.id = back.id
                                """.formatted(91 + random.nextInt(1900)));
                    }
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
            writers[w].start();
        }
        RunReport report = events(SMALL_BATCHES).run();
        for (Thread writer : writers) {
            writer.join();
        }

        assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(db.rows("select id from kept except select id from event")).isEmpty();
        assertThat(ids("id <= 90")).hasSize(90);
        events().run();
        assertThat(db.rows("select id from event where created_at < now() - interval '90 days'"))
                .isEmpty();
    }

    @Test
    void tableWithoutAnIndexIsReadPageByPageWhereThatIsAllowed() {
        db.execute(
                "create table event (id bigint primary key, created_at timestamptz not null, note text)",
                "insert into event select g, now() - (g % 200) * interval '1 day' + interval '1 hour', repeat('x', 200) from generate_series(1, 2000) g");

        RunReport report = events("segdiff.events.audit.require-index", "false").run();

        assertThat(report.counts()).contains(Map.entry("expired", 1090L));
        assertThat(report.counts().get("batches")).isGreaterThan(1);
        assertThat(db.value("select count(*) from event where created_at < now() - interval '90 days'"))
                .isEqualTo("0");
    }

    @Test
    void rowCapIsKeptToTheRow() {
        table(200);
        String[] capped = {"segdiff.events.audit.max-rows", "25"};

        RunReport report = events(capped).run();

        assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(report.reason()).contains("row cap");
        assertThat(range()).isEqualTo("1..175 175");
        events(capped).run();
        assertThat(range()).isEqualTo("1..150 150");
    }

    @Test
    void rowCapHoldsForRowsOfOneMomentToo() {
        db.execute(
                "create table event (id bigint primary key, created_at timestamptz not null)",
                "insert into event select g, '2020-01-01' from generate_series(1, 1000) g",
                "create index on event (created_at)");

        RunReport report = events("segdiff.events.audit.max-rows", "25").runAccepting("audit");

        assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(report.reason()).contains("row cap");
        assertThat(db.value("select count(*) from event")).isEqualTo("975");
    }

    @Test
    void slowRowsMakeBatchesSmallerInsteadOfFailingThem() {
        table(300);
        db.execute(
                "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(0.002); return old; end'",
                "create trigger slow before delete on event for each row execute function slow()");

        RunReport report = events("segdiff.batch.target-duration", "50ms", "segdiff.batch.min-rows", "5")
                .run();

        assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(report.counts()).contains(Map.entry("expired", 210L));
        assertThat(report.counts().get("timeouts")).isPositive();
    }

    @Test
    void interruptedRunEndsWithinAStatementAndTheNextGoesOnFromItsCursor() {
        table(300);
        db.execute(
                "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(0.01); return old; end'",
                "create trigger slow before delete on event for each row execute function slow()");
        Cancellation cancellation = new Cancellation();
        Thread stop = new Thread(() -> {
            while (db.rows("select * from segdiff.event_days").isEmpty()) {
                Thread.onSpinWait();
            }
            cancellation.request("SIGTERM");
        });
        stop.start();

        RunReport report = events(SMALL_BATCHES).run(cancellation);

        assertThat(report.outcome()).isEqualTo(Outcome.INTERRUPTED);
        long left = Long.parseLong(db.value("select count(*) from event"));
        assertThat(left).isBetween(91L, 299L);
        assertThat(
                        db.value(
                                "select count(*) from event where created_at < (select cursor::timestamptz from segdiff.event_policies)"))
                .isEqualTo("0");
        db.execute("drop trigger slow on event");
        assertThat(events().run().counts()).contains(Map.entry("expired", left - 90));
    }

    @Test
    void batchGivesWayToASessionThatWaitsForItsRows() throws Exception {
        table(200);
        db.execute(
                "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(0.005); return old; end'",
                "create trigger slow before delete on event for each row execute function slow()");
        Thread application = new Thread(() -> {
            List<String> held = List.of();
            while (held.isEmpty()) {
                held = db.rows("select id from event where xmax::text <> '0' limit 1");
            }
            db.execute("select id from event where id = " + held.get(0) + " for update");
        });
        application.start();

        RunReport report = events().run();
        application.join();

        assertThat(report.problems()).anyMatch(line -> line.contains("somebody who waits for rows"));
        assertThat(range()).isEqualTo("1..90 90");
    }

    @Test
    void lockedTableEndsTheRunAsInterruptedAndSaysWhy() throws SQLException {
        table(200);
        try (Connection migration = db.connect()) {
            migration.setAutoCommit(false);
            migration.createStatement().execute("lock table event in share mode");

            RunReport report = events("segdiff.events.audit.view", "false").run();

            assertThat(report.outcome()).isEqualTo(Outcome.INTERRUPTED);
            assertThat(report.problems()).anyMatch(line -> line.startsWith("policy audit is locked"));
            assertThat(range()).isEqualTo("1..200 200");
        }
    }

    @Test
    void dryRunCountsAndTellsEachStatementOnceAndChangesNothing() {
        table(200);

        RunReport report = events(SMALL_BATCHES).dryRun();

        assertThat(report.counts()).containsExactly(Map.entry("eligible", 110L));
        assertThat(report.statements()).doesNotHaveDuplicates().anyMatch(sql -> sql.startsWith("delete from"));
        assertThat(report.statements().stream().filter(sql -> sql.startsWith("delete from")))
                .hasSize(2);
        assertThat(range()).isEqualTo("1..200 200");
        assertThat(db.rows("select * from segdiff.event_policies")).isEmpty();
        assertThat(db.rows("select * from segdiff.event_days")).isEmpty();
    }

    @Test
    void disabledPolicyAndMissingPolicyHaveDifferentReasons() {
        table(200);

        assertThat(events("segdiff.events.audit.enabled", "false").run().reason())
                .startsWith("disabled");
        assertThat(new EventFixture(db).run().reason()).startsWith("no event policy is configured");
        assertThat(range()).isEqualTo("1..200 200");
    }

    @Test
    void cursorOfAnotherTableIsForgotten() {
        table(200);
        events().run();
        db.execute(
                "create table other (id bigint, created_at timestamptz)",
                "create index on other (created_at)",
                "insert into other select g, now() - interval '300 days' from generate_series(1, 5) g");

        RunReport report = events("segdiff.events.audit.table", "public.other").runAccepting("audit");

        assertThat(report.counts()).contains(Map.entry("expired", 5L));
    }

    @Test
    void namesThatNeedQuotesAreQuoted() {
        db.execute(
                "create schema \"My App\"",
                "grant usage on schema \"My App\" to segdiff_worker",
                "create table \"My App\".\"Event \"\"Log\"\"\" (\"Created At\" timestamptz)",
                "create index on \"My App\".\"Event \"\"Log\"\"\" (\"Created At\")",
                "insert into \"My App\".\"Event \"\"Log\"\"\" values (now()), (now() - interval '91 days')");

        RunReport report = events(
                        "segdiff.events.audit.table",
                        "\"My App\".\"Event \"\"Log\"\"\"",
                        "segdiff.events.audit.time-column",
                        "Created At")
                .run();

        assertThat(report.counts()).contains(Map.entry("expired", 1L));
    }

    @Test
    void raisedRetentionKeepsYoungRowsBelowTheOldCursor() {
        table(200);
        events("segdiff.events.audit.retention", "30d").run();
        assertThat(range()).isEqualTo("1..30 30");
        db.execute(
                "insert into event select g, now() - g * interval '1 day' + interval '1 hour' from generate_series(31, 200) g");

        RunReport report = events().run();

        assertThat(report.counts()).contains(Map.entry("expired", 110L));
        assertThat(range()).isEqualTo("1..90 90");
    }

    @Test
    void dayInThePastKeepsRowsThatExpiredLater() {
        table(200);
        events().run();
        db.execute(
                "insert into event select g, now() - g * interval '1 day' + interval '1 hour' from generate_series(91, 200) g");

        events().run(RunFixture.request(LocalDate.now(java.time.ZoneOffset.UTC).minusDays(31)));

        assertThat(Integer.parseInt(db.value("select max(id) from event"))).isBetween(119, 122);
    }

    @Test
    void pagesThatTakeTooLongAreTakenAgainInSmallerPortions() {
        db.execute(
                "create table event (id bigint primary key, created_at timestamptz not null, note text)",
                "insert into event select g, now() - interval '100 days', repeat('x', 2000) from generate_series(1, 400) g",
                "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(0.002); return old; end'",
                "create trigger slow before delete on event for each row execute function slow()");

        RunReport report = events(
                        "segdiff.events.audit.require-index", "false",
                        "segdiff.batch.target-duration", "20ms",
                        "segdiff.batch.max-rows", "20000")
                .runAccepting("audit");

        assertThat(report.counts().get("timeouts")).isPositive();
        assertThat(db.value("select count(*) from event")).isEqualTo("0");
    }

    @Test
    void referencedRowsStayAndAreReportedAndTheRestGoes() {
        table(200);
        db.execute(
                "create table child (event_id bigint references event)",
                "create index on child (event_id)",
                "insert into child values (150)");

        RunReport report = events("segdiff.batch.min-rows", "1").run();

        assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(report.problems())
                .singleElement()
                .asString()
                .contains("1 expired rows of public.event stay")
                .contains("foreign key child_event_id_fkey of public.child");
        assertThat(ids("id > 90")).containsExactly("150");
    }

    @Test
    void goalTellsTheOldestExpiredRowAndTheForecast() {
        table(200);

        Goal before = events().goal();
        assertThat(before.met()).isFalse();
        assertThat(before.details())
                .singleElement()
                .asString()
                .contains("overdue by 109 days")
                .contains("never, at this rate");

        events("segdiff.events.audit.max-rows", "30").run();
        db.execute("analyze event");
        Goal during = events().goal();
        assertThat(during.details()).singleElement().asString().contains("inside the retention in 3 days");

        events().run();
        Goal after = events().goal();
        assertThat(after.met()).isTrue();
        assertThat(after.details()).singleElement().asString().contains("nothing has expired");
    }

    @Test
    void rowsThatExpiredSinceYesterdayDoNotMissTheGoal() {
        table(90);
        db.execute("insert into event values (91, now() - interval '91 days')");

        assertThat(events().goal().met()).isTrue();
    }
}
