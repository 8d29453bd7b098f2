package dev.segdiff.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Expiry while others lock, change and reference rows. */
class ExpiryBesideWritersTest extends ExpiryFixture {
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
}
