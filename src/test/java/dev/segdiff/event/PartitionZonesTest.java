package dev.segdiff.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.db.TableName;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.TestDatabase;
import dev.segdiff.table.NewestPartition;
import dev.segdiff.table.Partition;
import dev.segdiff.table.PartitionInterval;
import dev.segdiff.table.PartitionPlan;
import dev.segdiff.table.Partitions;
import dev.segdiff.table.TimeKey;
import dev.segdiff.table.TimedTable;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Partitions made ahead follow the zone in which those that exist are round, also where clocks change at midnight. */
class PartitionZonesTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private EventFixture events(String... more) {
        return new EventFixture(db, EventFixture.policy(more));
    }

    private static TimedTable table() {
        return new TimedTable(
                new TableName("public", "event"),
                new dev.segdiff.db.ColumnName("created_at"),
                new TimeKey(TimeKey.Kind.TIMESTAMPTZ, ZoneId.of("UTC"), false),
                "timestamptz",
                true,
                true,
                0,
                List.of());
    }

    private static Partition partition(ZonedDateTime from, ZonedDateTime to) {
        TimeKey key = table().key();
        return new Partition(
                new TableName("public", "event_x"),
                key.bound(from.toInstant()),
                key.bound(to.toInstant()),
                false,
                false,
                false,
                true,
                0);
    }

    /** Monthly partitions of a year that ends with November, when summer time has ended: bounds at 04:00Z and 05:00Z. */
    @ParameterizedTest
    @ValueSource(strings = {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"})
    void newBoundsAreRoundInTheZoneOfTheExistingBounds(String id) {
        ZoneId zone = ZoneId.of(id);
        List<Partition> partitions = new ArrayList<>();
        ZonedDateTime from = ZonedDateTime.of(2025, 12, 1, 0, 0, 0, 0, zone);
        for (int i = 0; i < 12; i++, from = from.plusMonths(1)) {
            partitions.add(partition(from, from.plusMonths(1)));
        }
        PartitionPlan plan = new PartitionPlan("policy audit", "segdiff.events.audit", 3, Optional.empty());

        Optional<NewestPartition> newest =
                NewestPartition.of(new Partitions(plan, table(), partitions), Instant.parse("2026-11-25T00:00:00Z"));

        ZonedDateTime bound = newest.orElseThrow().end();
        for (int i = 0; i < 12; i++, from = from.plusMonths(1)) {
            assertThat(bound.toInstant()).isEqualTo(from.toInstant());
            bound = newest.get().interval().after(bound);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"America/Havana", "Asia/Beirut", "Africa/Cairo"})
    void partitionsAfterADayThatBeginsAtOneBeginAtMidnight(String id) {
        ZoneId zone = ZoneId.of(id);
        for (PartitionInterval interval :
                List.of(PartitionInterval.DAY, PartitionInterval.WEEK, PartitionInterval.MONTH)) {
            ZonedDateTime bound = interval.floor(ZonedDateTime.of(2024, 1, 1, 0, 0, 0, 0, zone));
            int late = 0;
            for (int i = 0; i < 800; i++) {
                ZonedDateTime next = interval.after(bound);
                assertThat(PartitionInterval.between(bound, next)).contains(interval);
                late += next.getHour() == 1 ? 1 : 0;
                bound = next;
            }
            assertThat(late).as("%s begin at 01:00", interval).isLessThan(interval == PartitionInterval.DAY ? 5 : 70);
            assertThat(interval.isRound(bound)).isTrue();
        }
    }

    @Test
    void missingPartitionsMissTheGoalWithADate() {
        db.execute(
                "create table event (created_at timestamptz) partition by range (created_at)",
                """
                do $$ begin
                    execute format('create table event_1 partition of event for values from (%L) to (%L)',
                                   now() - interval '10 days', date_trunc('minute', now()) + interval '10 days 7 minutes');
                end $$
                """,
                "insert into event values (now())");
        db.giveToWorker("event");
        String end = db.value(
                "select to_char(upper at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || 'Z' from (select date_trunc('minute', now()) + interval '10 days 7 minutes' as upper) u");

        RunReport report = events().run();

        assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(report.problems())
                .singleElement()
                .asString()
                .contains("inserts into public.event fail from ", "partition-interval");
        assertThat(events().goal().met()).isFalse();
        assertThat(events().goal().problems()).anyMatch(line -> line.contains("fail from " + end.substring(0, 13)));
        assertThat(events("segdiff.events.audit.partition-interval", "day")
                        .run()
                        .outcome())
                .isIn(Outcome.SUCCEEDED, Outcome.SKIPPED);
        assertThat(events("segdiff.events.audit.partition-interval", "day")
                        .goal()
                        .met())
                .isTrue();
    }

    @Test
    void strayRowOfTheFutureIsToldAndTheOtherPartitionsAreMade() {
        db.execute(
                "create table event (created_at timestamptz) partition by range (created_at)",
                "create index on event (created_at)",
                "create table event_default partition of event default");
        db.giveToWorker("event");
        events().run();
        db.execute("delete from segdiff.event_policies");
        String last = db.value(
                "select max(inhrelid::regclass::text) from pg_inherits where inhparent = 'event'::regclass and inhrelid::regclass::text <> 'event_default'");
        db.execute(
                "drop table " + last,
                "insert into event values (now() + interval '3 months')",
                "insert into event values (now())");

        RunReport report = events().run();

        assertThat(report.outcome()).isEqualTo(Outcome.REFUSED);
        assertThat(report.problems())
                .anyMatch(line ->
                        line.contains("rows of its time lie in the default partition of public.event; move them"))
                .noneMatch(line -> line.contains("would be violated"));
        assertThat(events().goal().problems()).anyMatch(line -> line.contains("rows go into the default partition"));
    }

    @Test
    void secondPartitionBehindAPendingDetachIsBusyAndNotFailed() throws SQLException {
        db.execute(
                "create table event (created_at timestamptz) partition by range (created_at)",
                "set timezone = 'UTC'; create table event_1 partition of event for values from ('2020-01-01') to ('2020-02-01')",
                "set timezone = 'UTC'; create table event_2 partition of event for values from ('2020-02-01') to ('2020-03-01')",
                "create table event_3 partition of event for values from ('2020-03-01') to (maxvalue)",
                "insert into event values ('2020-01-02'), ('2020-02-02'), (now())");
        db.giveToWorker("event");
        try (Connection other = db.connect()) {
            other.setAutoCommit(false);
            TestDatabase.rows(other, "select * from event_1");

            RunReport first = events().run();
            RunReport second = events().run();

            assertThat(first.outcome()).isEqualTo(Outcome.INTERRUPTED);
            assertThat(second.outcome()).isEqualTo(Outcome.INTERRUPTED);
            assertThat(second.counts()).doesNotContainKey("failed");
            other.rollback();
        }
        assertThat(events().run().outcome()).isEqualTo(Outcome.SUCCEEDED);
        assertThat(db.rows("select inhrelid::regclass from pg_inherits where inhparent = 'event'::regclass"))
                .containsExactly("event_3");
    }
}
