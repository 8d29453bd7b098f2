package dev.segdiff.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.index.IndexReport.Holder;
import dev.segdiff.index.IndexReport.Setting;
import dev.segdiff.index.IndexReport.TableState;
import dev.segdiff.support.Await;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class IndexReportTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private IndexReport report(String... settings) {
        return new IndexFixture(db, settings).reporter.read();
    }

    private static IndexState index(IndexReport report, String name) {
        return report.indexes().stream()
                .filter(i -> i.index().name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static TableState table(IndexReport report, String name) {
        return report.tables().stream()
                .filter(t -> t.table().name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void bloatIsMeasuredWherePgstattupleIsAndTheReportSaysSo() {
        IndexFixture.bloat(db, "event", 10_000, 4);
        assertThat(report().measuring()).contains("by statistics");
        assertThat(index(report(), "event_id").measured()).isFalse();
        db.execute("create extension pgstattuple");

        IndexReport report = report();

        assertThat(report.measuring()).contains("pgstattuple");
        assertThat(index(report, "event_id").measured()).isTrue();
        assertThat(index(report, "event_id").bloat()).isBetween(3.0, 4.5);
        assertThat(report.indexes().get(0).index().name())
                .as("the most wasteful")
                .isEqualTo("event_id");
    }

    @Test
    void largeIndexIsMeasuredOnlyWhileNobodyUsesIt() throws SQLException {
        IndexFixture.bloat(db, "event", 10_000, 4);
        db.execute("create extension pgstattuple");
        String[] small = {"segdiff.index.measure-max-size", "64kB"};
        // PostgreSQL 14 tells of the changes a moment later, and autovacuum may look in.
        Await.until("the table is idle", () -> index(report(small), "event_id").measured());
        try (Connection user = db.connect()) {
            user.setAutoCommit(false);
            user.createStatement().execute("select from event limit 1");

            assertThat(index(report(small), "event_id").measured())
                    .as("in somebody's transaction")
                    .isFalse();
            user.rollback();
        }
    }

    @Test
    void largeIndexOfATableThatIsReadNowAndThenIsNotMeasured() throws SQLException {
        IndexFixture.bloat(db, "event", 10_000, 4);
        db.execute("create extension pgstattuple");
        AtomicBoolean reading = new AtomicBoolean(true);
        CompletableFuture<Void> reader = CompletableFuture.runAsync(() -> {
            try (Connection user = db.connect();
                    Statement statement = user.createStatement()) {
                while (reading.get()) {
                    statement.execute("select from event limit 1");
                    statement.execute("select pg_sleep(0.1)");
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
        Await.until("it is known", () -> !db.value("select seq_scan from pg_stat_user_tables where relname = 'event'")
                .equals("0"));

        IndexReport report = report("segdiff.index.measure-max-size", "64kB");

        reading.set(false);
        reader.join();
        assertThat(index(report, "event_id").measured()).isFalse();
    }

    @Test
    void indexesThatNeedALookAreTold() {
        db.execute(
                "create table event (id int primary key, a int, b int)",
                "create index broken on event (b)",
                "create index first on event (a)",
                "create index second on event (a)",
                "create index another on event (a desc)",
                "create unique index like_the_key on event (id)",
                "update pg_index set indisvalid = false where indexrelid = 'broken'::regclass");

        IndexReport report = report();

        assertThat(index(report, "broken").valid()).isFalse();
        assertThat(index(report, "first").duplicateOf()).isNull();
        assertThat(index(report, "second").duplicateOf()).isEqualTo("first");
        assertThat(index(report, "another").duplicateOf()).isNull();
        assertThat(index(report, "like_the_key").duplicateOf()).isEqualTo("event_pkey");
        assertThat(index(report, "event_pkey").duplicateOf()).isNull();
        assertThat(index(report, "event_pkey").constraint()).isTrue();
    }

    @Test
    void scansOfAnIndexAreCounted() {
        db.execute("create table event (id int primary key)");
        db.execute("set enable_seqscan = off; select * from event where id = 1");

        Await.until("the scan is known", () -> index(report(), "event_pkey").scans() == 1);

        int version = Integer.parseInt(db.value("show server_version_num"));
        assertThat(index(report(), "event_pkey").lastScan() != null).isEqualTo(version >= 160_000);
    }

    @Test
    void tablesAreThoseOfSegdiffOfThePoliciesAndOfThePatterns() {
        db.execute(
                "create schema app",
                "create schema other",
                "create table app.log (at timestamptz) partition by range (at)",
                "create table app.log_1 partition of app.log for values from ('2026-01-01') to ('2026-02-01')",
                "create table app.unrelated (id int)",
                "create table other.a_b (id int)",
                "create table other.axb (id int)",
                "insert into segdiff.event_policies (policy, relation, key_column, key_kind, zone, retention) values ('log', 'app.log', 'at', 'TIMESTAMPTZ', 'UTC', '90 days')");

        assertThat(report("segdiff.index.tables", "other.a_*").tables())
                .extracting(t -> t.table().plain())
                .contains("segdiff.runs", "segdiff.audit_log_default", "app.log_1", "other.a_b")
                .doesNotContain("app.log", "app.unrelated", "other.axb");
    }

    @Test
    void reportShowsUnusualPropertiesOfTables() {
        db.execute(
                "create table event (id int) with (autovacuum_enabled = off, fillfactor = 80)",
                "insert into event select generate_series(1, 3000)");
        db.execute("delete from event where id > 10");
        Await.until("the rows are known", () -> table(report(), "event").deadRows() == 2990);

        TableState event = table(report(), "event");

        assertThat(event.unusual())
                .contains("autovacuum is off for it", "more rows are dead than alive", "it was never analyzed");
        assertThat(event.settings()).containsExactlyInAnyOrder("autovacuum_enabled=off", "fillfactor=80");
        assertThat(event.lastVacuum()).isNull();
        db.execute("vacuum analyze event");
        Await.until("the vacuum is known", () -> table(report(), "event").lastVacuum() != null);
        assertThat(table(report(), "event").lastAnalyze()).isNotNull();
    }

    @Test
    void catalogsAndSettingsAreTold() {
        IndexReport report = report();

        assertThat(report.catalogs())
                .extracting(t -> t.table().plain())
                .contains("pg_catalog.pg_class", "pg_catalog.pg_attribute");
        assertThat(report.settings())
                .extracting(Setting::name)
                .contains("autovacuum", "autovacuum_vacuum_scale_factor", "maintenance_work_mem");
        assertThat(report.settings())
                .filteredOn(s -> s.name().equals("idle_in_transaction_session_timeout"))
                .extracting(Setting::unusual)
                .containsExactly("a forgotten transaction holds back vacuum for ever");
    }

    @Test
    void reportShowsSettingsOfOtherSessions() {
        db.execute("alter database %s set idle_in_transaction_session_timeout = '10min'".formatted(db.name()));

        assertThat(report().settings())
                .filteredOn(s -> s.name().equals("idle_in_transaction_session_timeout"))
                .singleElement()
                .satisfies(s -> {
                    assertThat(s.value()).isEqualTo("600000");
                    assertThat(s.unusual()).isNull();
                });
    }

    @Test
    void reportNamesTheSessionsThatHoldBackVacuum() throws SQLException {
        try (Connection old = db.connect();
                Connection preparing = db.connect()) {
            old.setAutoCommit(false);
            old.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            old.createStatement().execute("set application_name = 'forgotten'; select 1");
            preparing
                    .createStatement()
                    .execute("begin; create table t (id int); prepare transaction 'two " + db.name() + "'");
            db.execute("select pg_create_physical_replication_slot('slot_" + db.name() + "', true)");

            assertThat(report().holders())
                    .anyMatch(h -> h.kind().equals("session") && h.name().contains("(forgotten)") && h.since() != null)
                    .anyMatch(h ->
                            h.kind().equals("prepared_transaction") && h.name().startsWith("two " + db.name()))
                    .extracting(Holder::age)
                    .allMatch(age -> age >= 0);

            old.rollback();
            preparing.createStatement().execute("rollback prepared 'two " + db.name() + "'");
        } finally {
            db.execute("select pg_drop_replication_slot('slot_" + db.name() + "')");
        }
    }
}
