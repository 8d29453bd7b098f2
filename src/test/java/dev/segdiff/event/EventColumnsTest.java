package dev.segdiff.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunFixture;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every kind of column that tells a time, for the cleaner and for readers alike. */
class EventColumnsTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private EventFixture events(String kind, String... more) {
        String[] policy = {
            "segdiff.events.audit.table",
            "public.event",
            "segdiff.events.audit." + kind,
            "made",
            "segdiff.events.audit.retention",
            "90d"
        };
        String[] all = java.util.Arrays.copyOf(policy, policy.length + more.length);
        System.arraycopy(more, 0, all, policy.length, more.length);
        return new EventFixture(db, all);
    }

    /** A hundred rows around the horizon: row n is n days old, but for an hour. */
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "timestamptz; time-column; t",
                "timestamptz(0); time-column; t",
                "timestamp; time-column; t at time zone 'UTC'",
                "uuid; id-column; segdiff.uuid_at(t)",
                "text; id-column; segdiff.uuid_at(t)::text",
                "text; id-column; upper(segdiff.uuid_at(t)::text)",
                "text; id-column; segdiff.ulid_at(t)",
                "varchar(26); id-column; lower(segdiff.ulid_at(t))",
                "char(26); id-column; segdiff.ulid_at(t)",
                "app_id; id-column; segdiff.uuid_at(t)",
            })
    void rowsOfEveryKindOfColumnExpireAndAreClamped(String type, String kind, String value) throws SQLException {
        db.execute(
                "create domain app_id as uuid",
                "create table event (id int, made %s not null)".formatted(type),
                "insert into event select g, %s from generate_series(1, 100) g, lateral (select now() - g * interval '1 day' + interval '1 hour' as t) x"
                        .formatted(value),
                "create index on event (made)");
        EventFixture events = events(kind);
        events("" + kind, "segdiff.events.audit.max-rows", "1").run();
        assertThat(db.value("select max(id) from event")).isEqualTo("99");
        assertThat(db.value("select max(id) || '/' || count(*) from segdiff.events_audit"))
                .isEqualTo("90/90");

        RunReport report = events.run();

        assertThat(report.counts()).contains(Map.entry("expired", 9L));
        assertThat(db.value("select max(id) || '/' || count(*) from event")).isEqualTo("90/90");
        assertThat(events.goal().met()).isTrue();
        try (Connection reader = db.connect()) {
            reader.createStatement().execute("set enable_seqscan = off");
            assertThat(TestDatabase.rows(reader, "explain select * from segdiff.events_audit")
                            .toString())
                    .containsPattern("Index Cond: \\(\\(?made");
        }
    }

    @Test
    void dateExpiresWhenItsWholeDayHasExpiredInThePolicysZone() {
        db.execute(
                "create table event (id int, made date not null)",
                "insert into event values (1, '2025-11-30'), (2, '2025-12-01'), (3, '2025-12-02')",
                "create index on event (made)");
        LocalDate day = LocalDate.of(2026, 3, 1);

        // The horizon is 2025-12-02 00:00 in UTC, and still 2025-12-01 in New York.
        events("time-column", "segdiff.events.audit.zone", "America/New_York").run(RunFixture.request(day));
        assertThat(db.rows("select id from event")).containsExactly("2", "3");

        events("time-column").run(RunFixture.request(day));
        assertThat(db.rows("select id from event")).containsExactly("3");
    }

    @Test
    void localTimeIsReadInTheZoneOfThePolicy() {
        db.execute(
                "create table event (id int, made timestamp not null)",
                "insert into event values (1, '2025-12-02 00:59:59'), (2, '2025-12-02 01:00:00'), (3, '2025-12-02 02:00:00')",
                "create index on event (made)");

        events("time-column", "segdiff.events.audit.zone", "Europe/Berlin")
                .run(RunFixture.request(LocalDate.of(2026, 3, 1)));

        assertThat(db.rows("select id from event")).containsExactly("2", "3");
    }

    @Test
    void localHourThatComesTwiceIsKeptUntilBothHaveExpired() {
        // In Berlin 2026-10-25 02:00 to 03:00 comes twice: first as 00:00, then as 01:00 in UTC.
        db.execute(
                "create table event (id int, made timestamp not null)",
                "insert into event values (1, '2026-10-25 01:59:59'), (2, '2026-10-25 02:10:00'), (3, '2026-10-25 02:40:00')",
                "create index on event (made)");
        LocalDate day = LocalDate.of(2026, 10, 25);

        // The end of the day in the run's zone, 22:30 UTC later, less 22 hours and 30 minutes: 00:30 in UTC.
        events(
                        "time-column",
                        "segdiff.events.audit.zone",
                        "Europe/Berlin",
                        "segdiff.time-zone",
                        "Europe/Berlin",
                        "segdiff.events.audit.retention",
                        "PT22H30M")
                .run(RunFixture.request(day));

        assertThat(db.rows("select id from event")).containsExactly("2", "3");
    }

    @Test
    void randomIdsAreRefused() {
        db.execute(
                "create table event (id int, made uuid not null)",
                "insert into event select g, gen_random_uuid() from generate_series(1, 50) g",
                "create index on event (made)");

        RunReport report = events("id-column").run();

        assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(report.problems()).singleElement().asString().contains("do not begin with a time");
        assertThat(db.value("select count(*) from event")).isEqualTo("50");
    }

    @Test
    void idsInDifferentCasesAreRefused() {
        db.execute(
                "create table event (id int, made text collate \"C\" not null)",
                "insert into event select g, case when g > 50 then lower(segdiff.ulid_at(now() - g * interval '1 day')) else segdiff.ulid_at(now() - g * interval '1 day') end from generate_series(1, 200) g",
                "create index on event (made)");

        RunReport report = events("id-column").run();

        assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(report.problems()).singleElement().asString().contains("in different cases or lengths");
    }

    @Test
    void viewFollowsTheZoneOfThePolicy() {
        db.execute("create table event (id int, made timestamp not null)", "create index on event (made)");
        events("time-column", "segdiff.events.audit.zone", "Europe/Berlin").run();
        events("time-column", "segdiff.events.audit.zone", "America/New_York").run();

        assertThat(db.value("select pg_get_viewdef('segdiff.events_audit'::regclass)"))
                .contains("America/New_York");
    }

    @Test
    void idsOfTheDatabaseAgreeWithThoseOfJava() {
        assertThat(db.value("select segdiff.uuid_at('2023-11-14 22:13:20+00')"))
                .isEqualTo("018bcfe5-6800-0000-0000-000000000000");
        assertThat(db.value("select segdiff.ulid_at('2023-11-14 22:13:20+00')"))
                .isEqualTo("01HF7YAT000000000000000000");
    }
}
