package dev.segdiff.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.run.Goal;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunFixture;
import dev.segdiff.run.RunReport;
import java.time.LocalDate;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Plain tables, in batches. */
class EventExpiryTest extends ExpiryFixture {
    @Test
    void deletesOnlyExpiredRows() {
        table(200);

        RunReport report = events().run();

        assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(report.counts()).contains(Map.entry("expired", 110L));
        assertThat(range()).isEqualTo("1..90 90");
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
