package dev.segdiff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.run.Outcome;
import dev.segdiff.segment.SegmentFixture;
import dev.segdiff.segment.SegmentKey;
import dev.segdiff.support.TestDatabase;
import java.sql.SQLException;
import java.time.LocalDate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Least privilege: all other tests run the jobs as the worker; here is what worker and reader may not. */
class RolesTest {
    private static final LocalDate DAY = LocalDate.of(2026, 3, 1);

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private String role = "";

    @SuppressWarnings("NullAway.Init")
    private TestDatabase application;

    @SuppressWarnings("NullAway.Init")
    private SegmentKey segment;

    @BeforeEach
    void publishAndLogInAsAReader() throws SQLException {
        SegmentFixture segments = new SegmentFixture(db);
        segment = segments.segment(42, 1, 2);
        assertThat(segments.run(DAY).outcome()).isEqualTo(Outcome.SUCCEEDED);
        segments.contacts(segment, 2, 3);
        assertThat(segments.run(DAY.plusDays(1)).outcome()).isEqualTo(Outcome.SUCCEEDED);
        role = "reader_" + db.name();
        db.execute("create role %s login password 'x' in role segdiff_reader".formatted(role));
        application = db.as(role, "x");
    }

    @AfterEach
    void dropRole() {
        application.close();
        db.execute("drop owned by " + role, "drop role " + role);
    }

    @Test
    void readerReadsSegments() {
        String first = db.value("select min(version) from segdiff.segment_versions");

        assertThat(application.rows(
                        "select complete, contact_id, added from segdiff.read_segment(7, 42, %s) order by contact_id nulls first"
                                .formatted(first)))
                .containsExactly("f||", "f|1|f", "f|3|t");
        assertThat(application.rows("select contact_id from segdiff.members(7, 42) order by 1"))
                .containsExactly("2", "3");
        assertThat(application.rows("select contact_id from segdiff.members(7, 42, %s) order by 1".formatted(first)))
                .containsExactly("1", "2");
        assertThat(application.rows("select contact_id, added from segdiff.segment_changes order by 1"))
                .containsExactly("1|f", "3|t");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "select * from segdiff.segments",
                "update segdiff.segments set last_used_at = now()",
                "select * from segdiff.segment_diffs",
                "select * from segdiff.runs",
                "select segdiff.trash_segment(7, 42, null)",
                "select segdiff.claim_segment(7, 42, 1, null, current_date, true)",
                "create table segdiff.mine (id int)"
            })
    void readerMayNothingElse(String sql) {
        assertThatThrownBy(() -> application.execute(sql)).hasMessageContaining("permission denied");
    }

    @Test
    void readerRegistersOnlyWhatItMayReadItself() {
        db.execute("create table secret (contact_id bigint)");

        assertThatThrownBy(() -> application.execute("select segdiff.use_segment(7, 43, 'public.secret')"))
                .hasMessageContaining("role " + role + " may not read source public.secret");

        db.execute("grant select (contact_id) on secret to " + role);
        application.execute("select segdiff.use_segment(7, 43, 'public.secret')");
        assertThat(db.value("select source from segdiff.segments where segment_id = 43"))
                .isEqualTo("public.secret");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "drop table segdiff.segments",
                "alter table segdiff.runs add column x int",
                "delete from segdiff.flyway_schema_history",
                "create or replace function segdiff.horizon(policy text) returns timestamptz language sql as 'select now()'",
                "create schema another",
                "create role another",
                "grant segdiff_owner to segdiff_worker",
                "select * from pg_authid",
                "select * from hidden"
            })
    void workerMayNotDoWhatNoJobNeeds(String sql) throws SQLException {
        db.execute("create table hidden (id int)", "revoke all on hidden from segdiff_worker");
        TestDatabase worker = db.as(db.worker(), db.workerPassword());

        assertThatThrownBy(() -> worker.execute(sql))
                .hasMessageMatching("(?s).*(permission denied|must be owner|must have admin option).*");
        worker.close();
    }

    @Test
    void workerOwnsWhatOnlyOwnersMayChange() {
        assertThat(db.rows("""
                        select distinct case when c.relname ~ '^segment_diffs' then 'diffs' when c.relname ~ '^audit_log' then 'audit log' when c.relname ~ '^segment_7_42_\\d+$' then 'snapshot' else c.relname end
                        from pg_class c
                        where c.relnamespace = 'segdiff'::regnamespace and c.relkind in ('r', 'p', 'v', 'S') and c.relowner = 'segdiff_worker'::regrole
                        order by 1
                        """)).containsExactly("audit log", "diffs", "snapshot");
    }

    @Test
    void castsOfATablesOwnerAreNotCalledByTheTriggers() {
        db.execute(
                "create type mood as enum ('sad', 'happy')",
                "create function pry(mood) returns json language plpgsql as $$ begin return json_build_object('as', current_user, 'contacts', (select count(*) from segdiff.segment_diffs)); exception when insufficient_privilege then return to_json('denied to ' || current_user); end $$",
                "create cast (mood as json) with function pry(mood)",
                "create table shard (id int primary key, mood mood, node text)",
                "select segdiff.enable_audit('shard', false, 'tester')",
                "insert into shard values (1, 'sad')",
                "update shard set mood = 'happy', node = 'n1'",
                "truncate shard");

        assertThat(
                        db.rows(
                                "select operation, coalesce(new_row, old_row) ->> 'mood' from segdiff.audit_log where table_name = 'public.shard' order by audit_id"))
                .containsExactly("INSERT|sad", "UPDATE|happy", "TRUNCATE|happy");
    }

    @Test
    void installationOfOneRoleGetsTheRolesAfterwards() throws SQLException {
        TestDatabase before = new TestDatabase();
        before.create("template0");
        String solo = "solo_" + before.name();
        before.execute(
                "create role %s login superuser password 'x'".formatted(solo),
                "grant create on database %s to %s".formatted(before.name(), solo));
        try {
            TestDatabase asSolo = before.as(solo, "x");
            asSolo.migrate();
            SegmentFixture segments = new SegmentFixture(asSolo);
            segment = segments.segment(1, 1, 2);
            assertThat(segments.run(DAY).outcome()).isEqualTo(Outcome.SUCCEEDED);
            asSolo.execute("grant select on source_1 to segdiff_worker");
            asSolo.close();

            before.execute(TestDatabase.roles(), "reassign owned by %s to segdiff_owner".formatted(solo));
            TestDatabase owner = before.asOwner();
            owner.migrate();
            owner.close();
            before.execute("insert into source_1 values (3)");
            TestDatabase worker = before.as(db.worker(), db.workerPassword());
            // The source belongs to another role now: a person says that this is right.
            assertThat(new SegmentFixture(worker)
                            .runAccepting(DAY.plusDays(1), "1/1", "7/1")
                            .counts())
                    .containsEntry("added", 1L);
            worker.close();
        } finally {
            before.drop();
            db.execute("drop role " + solo);
        }
    }
}
