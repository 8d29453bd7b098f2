package dev.segdiff.event;

import static org.assertj.core.api.Assertions.assertThat;

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

class EventPartitionsTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private EventFixture events(String... more) {
        return new EventFixture(db, EventFixture.policy(more));
    }

    /** Monthly partitions, named for their month, from 2020-01 to 2020-04, each with its rows. */
    private void table() {
        db.execute(
                "set timezone = 'UTC'; create table event (id bigint, created_at timestamptz not null) partition by range (created_at);"
                        + month("2020_01", "2020-01-01", "2020-02-01")
                        + month("2020_02", "2020-02-01", "2020-03-01")
                        + month("2020_03", "2020-03-01", "2020-04-01")
                        + month("2020_04", "2020-04-01", "2020-05-01"),
                "create index on event (created_at)",
                "insert into event select g, timestamptz '2020-01-01 00:00:00+00' + g * interval '1 day' from generate_series(0, 119) g");
        db.giveToWorker("event");
    }

    private static String month(String suffix, String from, String to) {
        return "create table event_%s partition of event for values from ('%s') to ('%s');".formatted(suffix, from, to);
    }

    /** As of the end of that day; 90 days before 2020-06-01 is 2020-03-03. */
    private RunReport run(EventFixture events, String day) {
        return events.run(RunFixture.request(LocalDate.parse(day)));
    }

    private List<String> partitions() {
        return db.rows("select inhrelid::regclass from pg_inherits where inhparent = 'event'::regclass order by 1");
    }

    private List<String> trash() {
        return db.rows(
                "select relname from pg_class where relnamespace = 'segdiff_trash'::regnamespace and relkind in ('r', 'p') order by 1");
    }

    private EventFixture withoutNew(String... more) {
        String[] all = java.util.Arrays.copyOf(more, more.length + 2);
        all[more.length] = "segdiff.events.audit.partitions-ahead";
        all[more.length + 1] = "0";
        return events(all);
    }

    @Test
    void expiredPartitionsGoToTheTrashAndTheOthersStay() {
        table();

        RunReport report = run(withoutNew(), "2020-05-31");

        assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(report.counts()).containsExactly(Map.entry("partitions_detached", 2L));
        assertThat(partitions()).containsExactly("event_2020_03", "event_2020_04");
        assertThat(trash()).containsExactly("event_2020_01", "event_2020_02");
        assertThat(db.value("select count(*) from segdiff_trash.event_2020_01")).isEqualTo("31");
    }

    @Test
    void partitionThatEndsExactlyOnTheHorizonHasExpired() {
        table();

        // 90 days before 2020-05-31 00:00 is 2020-03-02; before 2020-05-30 00:00 it is 2020-03-01.
        run(withoutNew(), "2020-05-28");
        assertThat(trash()).containsExactly("event_2020_01");
        run(withoutNew(), "2020-05-29");
        assertThat(trash()).containsExactly("event_2020_01", "event_2020_02");
    }

    @Test
    void trashKeepsTheBoundsAndIsDroppedAfterItsTime() {
        table();
        run(withoutNew(), "2020-04-30");
        assertThat(
                        db.rows(
                                "select kind, owner, origin, details ->> 'parent', details ->> 'from', details ->> 'to' from segdiff.trash"))
                .containsExactly(
                        "partition|audit|public.event_2020_01|public.event|2020-01-01 00:00:00+00|2020-02-01 00:00:00+00");
        db.execute("update segdiff.trash set moved_at = moved_at - interval '71 hours'");
        run(withoutNew(), "2020-04-30");
        assertThat(trash()).hasSize(1);
        db.execute("update segdiff.trash set moved_at = moved_at - interval '2 hours'");

        RunReport report = run(withoutNew(), "2020-04-30");

        assertThat(report.counts()).containsExactly(Map.entry("partitions_dropped", 1L));
        assertThat(trash()).isEmpty();
    }

    @Test
    void reattachedPartitionIsNotDropped() {
        table();
        run(withoutNew(), "2020-04-30");
        db.execute(
                "set timezone = 'UTC'; alter table event attach partition segdiff_trash.event_2020_01 for values from ('2020-01-01') to ('2020-02-01')",
                "update segdiff.trash set moved_at = moved_at - interval '4 days'");

        RunReport report = run(withoutNew("segdiff.events.audit.retention", "9000d"), "2020-04-30");

        assertThat(report.counts()).doesNotContainKey("partitions_dropped");
        assertThat(partitions()).contains("segdiff_trash.event_2020_01");
        assertThat(db.rows("select * from segdiff.trash")).isEmpty();
    }

    @Test
    void partitionThatWasAttachedAgainAndHasExpiredIsTakenOutAgain() {
        table();
        run(withoutNew(), "2020-04-30");
        db.execute(
                "alter table segdiff_trash.event_2020_01 set schema public",
                "set timezone = 'UTC'; alter table event attach partition event_2020_01 for values from ('2020-01-01') to ('2020-02-01')");

        RunReport again = run(withoutNew(), "2020-04-30");

        assertThat(again.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(trash()).containsExactly("event_2020_01");
    }

    @Test
    void partitionMovedByAPersonAfterItsPlanIsNotTouched() {
        table();
        db.execute(
                "insert into segdiff.trash (relation, kind, owner, origin) values ('event_2020_01'::regclass, 'partition', 'audit', 'public.event_2020_01')",
                "alter table event detach partition event_2020_01",
                "create schema archive",
                "alter table event_2020_01 set schema archive");

        run(withoutNew(), "2020-04-01");

        assertThat(trash()).isEmpty();
        assertThat(db.rows("select * from segdiff.trash")).isEmpty();
        assertThat(db.value("select count(*) from archive.event_2020_01")).isEqualTo("31");
    }

    @Test
    void trashOfAPolicyThatIsNoLongerConfiguredIsDroppedAfterAWeek() {
        table();
        run(withoutNew(), "2020-04-30");
        db.execute("update segdiff.trash set moved_at = moved_at - interval '6 days'");
        new EventFixture(db).run();
        assertThat(trash()).hasSize(1);
        db.execute("update segdiff.trash set moved_at = moved_at - interval '2 days'");

        assertThat(new EventFixture(db).run().counts()).containsExactly(Map.entry("partitions_dropped", 1L));
        assertThat(trash()).isEmpty();
    }

    @Test
    void readersOfOtherPartitionsDoNotHoldUpADetach() throws SQLException {
        table();
        try (Connection reader = db.connect()) {
            reader.setAutoCommit(false);
            TestDatabase.rows(reader, "select * from event_2020_04");

            assertThat(run(withoutNew(), "2020-04-30").counts()).contains(Map.entry("partitions_detached", 1L));
        }
    }

    @Test
    void detachThatIsCutOffIsFinishedByTheNextRun() throws SQLException {
        table();
        try (Connection reader = db.connect()) {
            reader.setAutoCommit(false);
            TestDatabase.rows(reader, "select count(*) from event");

            RunReport report = run(withoutNew("segdiff.statement-timeout", "1s"), "2020-05-31");

            assertThat(report.outcome()).isNotEqualTo(Outcome.SUCCEEDED);
            assertThat(report.problems()).anyMatch(line -> line.contains("waits for transactions that began before"));
            assertThat(db.rows("select inhrelid::regclass from pg_inherits where inhdetachpending"))
                    .containsExactly("event_2020_01");
        }

        RunReport next = run(withoutNew(), "2020-05-31");

        assertThat(next.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(trash()).containsExactly("event_2020_01", "event_2020_02");
        assertThat(partitions()).containsExactly("event_2020_03", "event_2020_04");
    }

    @Test
    void partitionThatWasDetachedButNotMovedBeforeAKillIsMoved() {
        table();
        db.execute(
                "insert into segdiff.trash (relation, kind, owner, origin) values ('event_2020_01'::regclass, 'partition', 'audit', 'public.event_2020_01')",
                "alter table event detach partition event_2020_01");

        RunReport report = run(withoutNew(), "2020-04-01");

        assertThat(report.counts()).contains(Map.entry("partitions_detached", 1L));
        assertThat(trash()).containsExactly("event_2020_01");
    }

    @Test
    void detachBesideADefaultPartitionIsNotConcurrentAndHasALockTimeout() throws SQLException {
        table();
        db.execute("create table event_rest partition of event default");
        db.giveToWorker("event");
        try (Connection reader = db.connect()) {
            reader.setAutoCommit(false);
            TestDatabase.rows(reader, "select count(*) from event");

            RunReport busy = run(withoutNew(), "2020-04-30");
            assertThat(busy.outcome()).isEqualTo(Outcome.INTERRUPTED);
            assertThat(busy.problems()).anyMatch(line -> line.startsWith("partition public.event_2020_01 is busy"));
        }

        assertThat(run(withoutNew(), "2020-04-30").counts()).contains(Map.entry("partitions_detached", 1L));
        assertThat(trash()).containsExactly("event_2020_01");
    }

    @Test
    void strayRowsAreReportedAndExpire() {
        table();
        db.execute(
                "create table event_rest partition of event default",
                "insert into event values (1000, '2019-01-01'), (1001, '2030-01-01')");
        db.giveToWorker("event");

        RunReport report = run(withoutNew(), "2020-04-01");

        assertThat(report.counts()).contains(Map.entry("expired", 1L));
        assertThat(report.problems())
                .containsExactly("policy audit: rows have strayed into the default partition public.event_rest");
        assertThat(db.rows("select id from event_rest")).containsExactly("1001");
    }

    @Test
    void partitionsAreMadeAheadLikeTheNewestOne() {
        db.execute(
                "set timezone = 'UTC'; create table event (id bigint, created_at timestamptz not null default now(), note text default 'x', check (id > 0)) partition by range (created_at)",
                "create unique index on event (id, created_at)",
                """
                do $$ begin
                    set timezone = 'UTC';
                    execute format('create table %I partition of event for values from (%L) to (%L)', to_char(now(), '"event_p"YYYYMM'),
                        date_trunc('month', now()), date_trunc('month', now()) + interval '1 month');
                end $$
                """);
        db.giveToWorker("event");

        RunReport report = events().run();

        assertThat(report.counts()).containsExactly(Map.entry("partitions_made", 3L));
        assertThat(partitions()).allMatch(name -> name.matches("event_p\\d{6}"));
        assertThat(partitions()).hasSize(4);
        db.execute(
                "insert into event (id, created_at) values (7, date_trunc('month', now() at time zone 'UTC') at time zone 'UTC' + interval '2 months')");
        assertThat(db.rows("select id, note from event")).containsExactly("7|x");
        assertThat(
                        db.value(
                                "select count(*) from pg_index i join pg_inherits p on i.indrelid = p.inhrelid and p.inhparent = 'event'::regclass"))
                .isEqualTo("4");
        assertThat(events().run().outcome()).isEqualTo(Outcome.SKIPPED);
    }

    @Test
    void noExpiredPartitionsAreMadeAfterAGapOfYears() {
        db.execute(
                "set timezone = 'UTC'; create table event (id bigint, created_at timestamptz not null) partition by range (created_at); create table event_2020_01 partition of event for values from ('2020-01-01') to ('2020-02-01')");
        db.giveToWorker("event");

        RunReport report = events().run();

        assertThat(report.counts().get("partitions_made")).isBetween(6L, 8L);
        db.execute("insert into event values (1, now())", "insert into event values (2, now() - interval '89 days')");
    }

    @Test
    void tableWithoutPartitionsGetsPartitionsOfTheConfiguredInterval() {
        db.execute("create table event (id bigint, created_at timestamptz not null) partition by range (created_at)");
        db.giveToWorker("event");

        events("segdiff.events.audit.partition-interval", "week").run();

        assertThat(partitions()).hasSize(4).allMatch(name -> name.matches("event_\\d{4}_\\d\\d_\\d\\d"));
        db.execute("insert into event values (1, now()), (2, now() + interval '21 days')");
    }

    @Test
    void idsThatBeginWithTheTimeMakeAndExpirePartitionsToo() {
        db.execute("create table event (id uuid not null, note text) partition by range (id)", """
                do $$ declare month timestamptz; begin
                    for n in -6..0 loop
                        month := (date_trunc('month', now() at time zone 'UTC') + n * interval '1 month') at time zone 'UTC';
                        execute format('create table event_%s partition of event for values from (%L) to (%L)', to_char(month at time zone 'UTC', 'YYYY_MM'),
                            segdiff.uuid_at(month), segdiff.uuid_at((month at time zone 'UTC' + interval '1 month') at time zone 'UTC'));
                        insert into event values (segdiff.uuid_at(month + interval '1 day'));
                    end loop;
                end $$
                """);
        db.giveToWorker("event");

        RunReport report = new EventFixture(
                        db,
                        "segdiff.events.audit.table",
                        "event",
                        "segdiff.events.audit.id-column",
                        "id",
                        "segdiff.events.audit.retention",
                        "90d")
                .run();

        assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(report.counts().get("partitions_detached")).isBetween(2L, 4L);
        assertThat(report.counts()).contains(Map.entry("partitions_made", 3L));
        db.execute("insert into event values (segdiff.uuid_at(now() + interval '60 days'))");
    }

    @Test
    void twoTablesWithPartitionsOfOneNameShareTheTrash() {
        table();
        db.execute(
                "create schema app",
                "set timezone = 'UTC'; create table app.event (id bigint, created_at timestamptz not null) partition by range (created_at); create table app.event_2020_01 partition of app.event for values from ('2020-01-01') to ('2020-02-01')",
                "create index on app.event (created_at)");
        db.giveToWorker("app.event");

        RunReport report = run(
                withoutNew(
                        "segdiff.events.other.table", "app.event",
                        "segdiff.events.other.time-column", "created_at",
                        "segdiff.events.other.retention", "90d",
                        "segdiff.events.other.partitions-ahead", "0"),
                "2020-04-30");

        assertThat(report.outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(trash()).hasSize(2).contains("event_2020_01");
        db.execute("update segdiff.trash set moved_at = moved_at - interval '4 days'");
        run(withoutNew(), "2020-04-30");
        assertThat(trash()).singleElement().asString().startsWith("event_2020_01_");
    }

    @Test
    void dryRunListsDetachesAndNewPartitionsAndChangesNothing() {
        table();

        RunReport report = events().run(RunFixture.dryRun(LocalDate.parse("2020-05-31")));

        assertThat(report.counts()).contains(Map.entry("partitions_detached", 2L));
        assertThat(report.statements())
                .contains("alter table \"public\".\"event\" detach partition \"public\".\"event_2020_01\" concurrently")
                .anyMatch(sql -> sql.contains("attach partition"));
        assertThat(partitions()).hasSize(4);
        assertThat(db.rows("select * from segdiff.trash")).isEmpty();
    }

    @Test
    void goalSeesAPartitionThatWaits() {
        table();
        EventFixture events = withoutNew();

        assertThat(events.goal().met()).isFalse();
        events.runAccepting("audit");
        assertThat(events.goal().met()).isTrue();
    }
}
