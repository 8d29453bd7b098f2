package dev.segdiff;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.db.TableName;
import dev.segdiff.event.EventFixture;
import dev.segdiff.index.IndexFixture;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.segment.SegmentFixture;
import dev.segdiff.segment.SegmentKey;
import dev.segdiff.support.TestDatabase;
import java.time.LocalDate;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** All that a role or a database can set for the sessions of segdiff, and that its SQL is not written for. */
class HostileSettingsTest {
    private static final LocalDate DAY = LocalDate.of(2026, 3, 1);

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @BeforeEach
    void setEverythingOtherwise() {
        int version = Integer.parseInt(db.value("show server_version_num")) / 10_000;
        db.execute("""
                do $$
                declare
                    setting text;
                begin
                    create schema evil;
                    create function evil.never(timestamptz, timestamptz) returns boolean language sql as 'select true';
                    create operator evil.< (leftarg = timestamptz, rightarg = timestamptz, function = evil.never);
                    grant usage on schema evil to public;
                    foreach setting in array array[
                        'default_transaction_read_only = on', 'default_transaction_isolation = serializable',
                        'idle_in_transaction_session_timeout = 300', 'row_security = on', 'DateStyle = ''German, DMY''',
                        'IntervalStyle = sql_standard', 'TimeZone = ''Pacific/Apia''', 'search_path = evil, pg_catalog',
                        'plan_cache_mode = force_generic_plan', 'jit = on', 'jit_above_cost = 0', 'enable_seqscan = off',
                        'enable_indexscan = off', 'enable_hashjoin = off', 'enable_partition_pruning = off',
                        'bytea_output = escape', 'standard_conforming_strings = off', 'array_nulls = off',
                        'quote_all_identifiers = on', 'transform_null_equals = on', 'extra_float_digits = -15',
                        'statement_timeout = 300', 'lock_timeout = 1',
                        'idle_session_timeout = 200'%s] loop
                        execute format('alter role segdiff_worker in database %%I set %%s', current_database(), setting);
                    end loop;
                end $$
                """.formatted(version >= 17 ? ", 'transaction_timeout = 300'" : ""));
    }

    @Test
    void allJobsWorkUnderSettingsThatTheirSqlIsNotWrittenFor() {
        db.execute(
                "create table event (id bigint primary key, created_at timestamptz not null)",
                "insert into event select g, now() - g * interval '1 day' + interval '1 hour' from generate_series(1, 200) g",
                "create index on event (created_at)");
        SegmentFixture segments = new SegmentFixture(db);
        SegmentKey key = segments.segment(1, LongStream.rangeClosed(1, 100).toArray());
        EventFixture events = new EventFixture(db, EventFixture.policy());
        // Longer than all the timeouts of the role.
        db.execute("create view slow as select 1::bigint as contact_id from pg_sleep(0.6)");
        segments.registry().add(new SegmentKey(7, 2), TableName.parse("slow"));

        RunReport first = segments.run(DAY);
        segments.contacts(key, LongStream.rangeClosed(6, 101).toArray());
        RunReport second = segments.run(DAY.plusDays(1));
        RunReport expired = events.run();
        RunReport cleanup = segments.cleanup();
        RunReport maintenance = new IndexFixture(db).run();

        assertThat(first.outcome()).as("%s", first).isEqualTo(Outcome.SUCCEEDED);
        assertThat(first.counts()).containsEntry("published", 2L);
        assertThat(second.counts()).as("%s", second).containsEntry("added", 1L).containsEntry("removed", 5L);
        assertThat(expired.counts()).as("%s", expired).containsEntry("expired", 110L);
        assertThat(cleanup.outcome()).as("%s", cleanup).isEqualTo(Outcome.SKIPPED);
        assertThat(maintenance.outcome()).as("%s", maintenance).isIn(Outcome.SUCCEEDED, Outcome.SKIPPED);
        assertThat(db.value("select min(id) || ' ' || max(id) || ' ' || count(*) from event"))
                .isEqualTo("1 90 90");
    }

    /** The list of what each transaction sets; jit among it, which turned a query of 0.05 s into one of 16 s. */
    @Test
    void eachTransactionSetsWhatTheRoleHasSetOtherwise() {
        Map<String, String> expected = Map.ofEntries(
                Map.entry("jit", "off"),
                Map.entry("transaction_read_only", "off"),
                Map.entry("transaction_isolation", "read committed"),
                Map.entry("row_security", "off"),
                Map.entry("DateStyle", "ISO, YMD"),
                Map.entry("TimeZone", "UTC"),
                Map.entry("standard_conforming_strings", "on"),
                Map.entry("plan_cache_mode", "auto"),
                Map.entry("enable_partition_pruning", "on"),
                Map.entry("search_path", "pg_catalog, evil, pg_catalog"),
                Map.entry("idle_in_transaction_session_timeout", "10s"));
        expected.forEach((name, value) -> assertThat(db.database()
                        .<String>transaction(
                                session -> session.one("select current_setting(?)", row -> row.getString(1), name)))
                .as(name)
                .isEqualTo(value));
    }

    private String sessions() {
        return db.value("""
                select count(*) from pg_stat_activity where usename = 'segdiff_worker' and datname = current_database()
                """);
    }

    /** The pool keeps sessions that PostgreSQL ends meanwhile; it asks only those that have rested for longer. */
    @Test
    @Timeout(60)
    void transactionBeginsAnewWhereTheSessionsOfThePoolHaveEnded() {
        int sessions = 4;
        open(sessions);
        while (!sessions().equals("0")) {
            Thread.onSpinWait();
        }

        assertThat(db.database().<String>transaction(session -> session.one("select 'alive'", row -> row.getString(1))))
                .isEqualTo("alive");
        open(sessions);
    }

    /** So many at the same time. */
    private void open(int sessions) {
        db.database().inTransaction(session -> {
            session.list("select 1", row -> row);
            if (sessions > 1) {
                open(sessions - 1);
            }
        });
    }
}
