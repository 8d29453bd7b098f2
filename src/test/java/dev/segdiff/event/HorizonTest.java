package dev.segdiff.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.run.LogicalDay;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunFixture;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.TestDatabase;
import dev.segdiff.table.TimeKey;
import dev.segdiff.table.TimedTable;
import dev.segdiff.table.Where;
import io.smallrye.config.ConfigValidationException;
import java.time.LocalDate;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Horizons that lie far in the past, or that are wrong: no row goes. */
class HorizonTest {
    private static final String UUID_AT = "segdiff.uuid_at(now() - g * interval '1 day')";

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    /** A row a day, from ten days ahead to 290 days ago. */
    private void table(String type, String value) {
        db.execute(
                "create table event (key %s)".formatted(type),
                "insert into event select %s from generate_series(0, 290) g".formatted(value),
                "create index on event (key)");
    }

    private RunReport run(String column, String retention, LocalDate day, String... more) {
        String[] policy = {
            "segdiff.events.e.table",
            "public.event",
            "segdiff.events.e." + column,
            "key",
            "segdiff.events.e.retention",
            retention,
            "segdiff.batch.max-pause",
            "0s"
        };
        String[] all = java.util.Arrays.copyOf(policy, policy.length + more.length);
        System.arraycopy(more, 0, all, policy.length, more.length);
        return new EventFixture(db, all).run(RunFixture.request(day));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "timestamptz; time-column; now() - g * interval '1 day'",
                "timestamp; time-column; now() - g * interval '1 day'",
                "date; time-column; current_date - g",
                "uuid; id-column; segdiff.uuid_at(now() - g * interval '1 day')",
                "text; id-column; segdiff.uuid_at(now() - g * interval '1 day')::text",
                "text; id-column; segdiff.ulid_at(now() - g * interval '1 day')",
                "char(26); id-column; lower(segdiff.ulid_at(now() - g * interval '1 day'))",
            })
    void horizonBefore1970OrBeforeChristExpiresNothing(String type, String column, String value) {
        table(type, value);

        for (LocalDate day :
                new LocalDate[] {EventFixture.TODAY, LocalDate.of(1960, 1, 1), LocalDate.of(-2026, 11, 24)}) {
            assertThat(run(column, "36500d", day).reason()).isEqualTo("nothing has expired");
            assertThat(db.value("select count(*) from event")).isEqualTo("291");
        }
    }

    /** Readers who are clamped at a horizon before 1970 see everything. */
    @ParameterizedTest
    @CsvSource({
        "uuid, segdiff.uuid_at(now() - g * interval '1 day')",
        "text, segdiff.ulid_at(now() - g * interval '1 day')"
    })
    void viewOfARetentionOfAHundredYearsShowsAllRows(String type, String value) {
        table(type, value);
        run("id-column", "36500d", EventFixture.TODAY);

        assertThat(db.value("select count(*) from segdiff.events_e")).isEqualTo("291");
    }

    @ParameterizedTest
    @ValueSource(strings = {"3650000d", "36501d", "59m", "-90d"})
    void retentionOutOfBoundsIsRefusedWithWhatIsAllowed(String retention) {
        assertThatThrownBy(() -> run("time-column", retention, EventFixture.TODAY))
                .isInstanceOfAny(InvalidInputException.class, ConfigValidationException.class)
                .hasMessageContaining("segdiff.events.e.retention")
                .hasMessageContaining("36500d");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-2026-11-24", "1960-01-01", "1970-01-01"})
    void dayBefore1970IsRefusedWithWhatIsAllowed(String day) {
        RunFixture runs = new RunFixture(db);
        LogicalDay days = new LogicalDay(runs.database, runs.config);

        assertThatThrownBy(() -> days.orToday(LocalDate.parse(day)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected 1970-01-02 to ");
        assertThat(days.orToday(LocalDate.of(1970, 1, 2))).isEqualTo("1970-01-02");
    }

    /** What an error in the program would do: the horizon is right, and what it is written as is not. */
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "timestamptz; TIMESTAMPTZ; now() - g * interval '1 day'; 2999-01-01",
                "timestamp; TIMESTAMP; now() - g * interval '1 day'; 2999-01-01",
                "date; DATE; current_date - g; 2999-01-01",
                "uuid; UUID; segdiff.uuid_at(now() - g * interval '1 day'); ffffffff-0000-7000-0000-000000000000",
                "text; ULID; segdiff.ulid_at(now() - g * interval '1 day'); 7ZZZZZZZZZ0000000000000000",
            })
    void boundAfterTheDatabasesOwnHorizonIsRefusedAndDeletesNoYoungRow(
            String type, String kind, String value, String bound) {
        table(type, value);
        RunFixture runs = new RunFixture(db);
        TimedTable table = new TimedTable(
                new dev.segdiff.db.TableName("public", "event"),
                new dev.segdiff.db.ColumnName("key"),
                new TimeKey(TimeKey.Kind.valueOf(kind), java.time.ZoneId.of("UTC"), false),
                type,
                false,
                true,
                100,
                List.of());

        EventPolicy policy = EventPolicy.of("e", table.table(), "key", java.time.Duration.ofDays(90));
        java.time.Instant now = runs.database.now();
        PolicyTable target = new PolicyTable(policy, table, new Horizon(now, now, bound));

        java.util.Optional<String> objection =
                runs.database.transaction(session -> target.guard().objection(session, bound));
        assertThat(objection)
                .get()
                .asString()
                .contains(bound, "now() - retention", String.valueOf(java.time.Year.now(java.time.ZoneOffset.UTC)));
        runs.database.inTransaction(session -> new EventQueries().delete(session, target, Where.below(table, bound)));
        assertThat(Integer.parseInt(db.value("select count(*) from event"))).isBetween(90, 92);
    }

    @Test
    void tableThatWouldLoseNearlyAllIsHeldBackUntilAPersonAcceptsThat() {
        table("timestamptz", "now() - interval '100 days' - g * interval '1 hour'");
        db.execute("insert into event select now() - interval '100 days' from generate_series(1, 2000)");
        db.execute("insert into event values (now())", "analyze event");
        EventFixture events = new EventFixture(
                db,
                "segdiff.events.e.table",
                "public.event",
                "segdiff.events.e.time-column",
                "key",
                "segdiff.events.e.retention",
                "90d");

        RunReport held = events.run();

        assertThat(held.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(held.reason()).contains("policies held back: 1").contains("--accept NAME");
        assertThat(held.problems())
                .singleElement()
                .asString()
                .contains("policy e is held back", "of 2,292 rows of public.event would go (", "max-share (95%)")
                .contains("segdiff run event-expiry --accept e");
        assertThat(db.value("select count(*) from event")).isEqualTo("2292");
        assertThat(events.goal().problems()).anyMatch(line -> line.contains("policy e is held back"));
        assertThat(events.runAccepting("e").outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(db.value("select count(*) from event")).isEqualTo("1");
        // Statistics are as old as before; that nothing is left to expire is seen in the table.
        assertThat(events.run().outcome()).isEqualTo(Outcome.SKIPPED);
    }

    @Test
    void newestRowOfATableIsHeldBackHoweverSmallTheTable() {
        table("uuid", UUID_AT.replace("now()", "now() - interval '400 days'"));

        RunReport held = run("id-column", "90d", EventFixture.TODAY);

        assertThat(held.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(held.problems()).singleElement().asString().contains("all rows of public.event would go");
        assertThat(db.value("select count(*) from event")).isEqualTo("291");
    }

    @Test
    void lastPartitionsOfATableAreHeldBack() {
        db.execute(
                "create table event (key timestamptz) partition by range (key)",
                "create table event_1 partition of event for values from ('2020-01-01') to ('2020-02-01')",
                "insert into event values ('2020-01-15')");
        db.giveToWorker("event");

        RunReport held = run("time-column", "90d", EventFixture.TODAY);

        assertThat(held.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(held.problems()).singleElement().asString().contains("the newest one too, of 2020-01-15");
        assertThat(db.value("select count(*) from event")).isEqualTo("1");
    }

    /** Java, the guard's SQL and the function for readers each subtract the retention from the present. */
    @ParameterizedTest
    @CsvSource({"1h, PT1H", "90d, P90D", "36500d, P36500D"})
    void javaTheGuardAndTheFunctionForReadersAgreeOnTheHorizon(String retention, java.time.Duration kept) {
        table("timestamptz", "now() - g * interval '1 day'");
        db.execute(
                "insert into event select now() - g * interval '1 second' from generate_series(1, 3000) g",
                "analyze event");
        new EventFixture(
                        db,
                        EventFixture.policy(
                                "segdiff.events.audit.retention", retention, "segdiff.events.audit.time-column", "key"))
                .run();
        EventPolicy policy = EventPolicy.of("audit", new dev.segdiff.db.TableName("public", "event"), "key", kept);
        TimeKey key = new TimeKey(TimeKey.Kind.TIMESTAMPTZ, java.time.ZoneId.of("UTC"), false);

        RetentionGuard guard = new RetentionGuard(
                new TimedTable(
                        policy.table(),
                        new dev.segdiff.db.ColumnName("key"),
                        key,
                        "timestamptz",
                        false,
                        true,
                        1,
                        List.of()),
                kept);

        new RunFixture(db).database.inTransaction(session -> {
            java.time.Instant now = session.one("select now()", row -> row.getObject(1, java.time.OffsetDateTime.class)
                    .toInstant());
            String horizon = Horizon.of(policy, key, now).value();
            String later = key.bound(now.minus(kept).plusNanos(1000));
            String verdict = session.one(
                    "select concat_ws(' ', segdiff.horizon('audit') = cast(? as timestamptz), %s, %s, (select min(key) > cast(? as timestamptz) from segdiff.events_audit))"
                            .formatted(
                                    guard.ended("'" + horizon + "'").sql(),
                                    guard.ended("'" + later + "'").sql()),
                    row -> row.getString(1),
                    horizon,
                    kept.toSeconds(),
                    kept.toSeconds(),
                    horizon);

            assertThat(verdict)
                    .as("function, guard at the horizon, guard a microsecond later, oldest row of the view")
                    .isEqualTo("t t f t");
        });
    }
}
