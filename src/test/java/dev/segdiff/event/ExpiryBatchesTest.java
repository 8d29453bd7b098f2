package dev.segdiff.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.db.Cancellation;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** How the work is cut into batches. */
class ExpiryBatchesTest extends ExpiryFixture {
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
}
