package dev.segdiff.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.TableName;
import dev.segdiff.event.EventFixture;
import dev.segdiff.segment.SegmentFixture;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is recorded, and how it is found. */
class AuditLogTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @SuppressWarnings("NullAway.Init")
    private AuditFixture audit;

    @BeforeEach
    void table() {
        audit = new AuditFixture(db);
        db.execute("create table shard (id int primary key, node text)");
        audit.enable("shard");
    }

    /** Each change as "operation key old new", the oldest first. */
    private List<String> recorded() {
        return db.rows(
                "select operation, key, old_row ->> 'node', new_row ->> 'node' from segdiff.audit_log where table_name = 'public.shard' order by audit_id");
    }

    @Test
    void eachRowOfEachStatementIsRecorded() {
        db.execute(
                "insert into shard values (1, 'a'), (2, 'b')",
                "update shard set node = 'c' where id = 2",
                "update shard set node = node",
                "delete from shard where id = 1");

        assertThat(recorded())
                .containsExactly(
                        "INSERT|{\"id\": 1}||a",
                        "INSERT|{\"id\": 2}||b",
                        "UPDATE|{\"id\": 2}|b|c",
                        "DELETE|{\"id\": 1}|a|");
    }

    @Test
    void upsertMergeAndCopyAreRecorded() throws Exception {
        db.execute(
                "insert into shard values (1, 'a')",
                "insert into shard values (1, 'b'), (2, 'c') on conflict (id) do update set node = excluded.node");
        try (Connection connection = db.connect()) {
            connection
                    .unwrap(org.postgresql.PGConnection.class)
                    .getCopyAPI()
                    .copyIn("copy shard from stdin", new java.io.StringReader("3\td\n"));
        }

        assertThat(recorded())
                .containsExactlyInAnyOrder(
                        "INSERT|{\"id\": 1}||a",
                        "INSERT|{\"id\": 2}||c",
                        "UPDATE|{\"id\": 1}|a|b",
                        "INSERT|{\"id\": 3}||d");
    }

    @Test
    void movedKeyIsADeleteAndAnInsert() {
        db.execute("insert into shard values (1, 'a')", "update shard set id = 9");

        assertThat(recorded())
                .containsExactly("INSERT|{\"id\": 1}||a", "DELETE|{\"id\": 1}|a|", "INSERT|{\"id\": 9}||a");
    }

    @Test
    void keyIsThatOfTheTableAsItIsNow() {
        db.execute(
                "insert into shard values (1, 'a')",
                "alter table shard rename id to shard_id",
                "update shard set node = 'b'",
                "alter table shard drop constraint shard_pkey, add column part int not null default 7, add primary key (part, shard_id)",
                "update shard set node = 'c'",
                "delete from shard");

        assertThat(recorded())
                .containsExactly(
                        "INSERT|{\"id\": 1}||a",
                        "UPDATE|{\"shard_id\": 1}|a|b",
                        "UPDATE|{\"part\": 7, \"shard_id\": 1}|b|c",
                        "DELETE|{\"part\": 7, \"shard_id\": 1}|c|");
    }

    @Test
    void truncateIsRecordedRowByRow() {
        db.execute("insert into shard values (1, 'a'), (2, 'b')", "truncate shard");

        assertThat(recorded()).endsWith("TRUNCATE|{\"id\": 1}|a|", "TRUNCATE|{\"id\": 2}|b|");
    }

    @Test
    void truncateOfMoreThanCanBeRecordedIsRefused() {
        db.giveToWorker("shard");
        audit.tables.disable(TableName.parse("shard"));
        db.execute("insert into shard select g, 'a' from generate_series(1, 100001) g");
        audit.enable("shard");

        assertThatThrownBy(() -> db.execute("truncate shard")).hasMessageContaining("to record more than 100000 rows");
        assertThat(db.value("select count(*) from shard")).isEqualTo("100001");
    }

    @Test
    void actorAndTransactionAreRecorded() throws SQLException {
        try (Connection connection = db.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("set application_name = 'console'");
            statement.execute(
                    "begin; set local segdiff.actor = 'anna'; insert into shard values (1, 'a'), (2, 'b'); commit");
            statement.execute("insert into shard values (3, 'c')");
        }

        List<AuditEntry> entries = audit.log.read(AuditFixture.all("shard"), 10);

        assertThat(entries).extracting(AuditEntry::who).containsExactly(db.user(), "anna", "anna");
        assertThat(entries).extracting(AuditEntry::application).containsOnly("console");
        assertThat(entries).extracting(AuditEntry::role).containsOnly(db.user());
        assertThat(entries.get(1).transaction())
                .isEqualTo(entries.get(2).transaction())
                .isLessThan(entries.get(0).transaction());
    }

    @Test
    void invalidSettingDoesNotBlockWriters() {
        db.execute("set segdiff.run = 'none of your business'", "insert into shard values (1, 'a')");

        assertThat(recorded()).hasSize(1);
    }

    @Test
    void registryIsAuditedFromTheFirstDayAndRunsAreNamed() {
        SegmentFixture segments = new SegmentFixture(db);
        segments.segment(1, 1, 2);
        long run = segments.run(LocalDate.of(2026, 3, 1)).runId();

        assertThat(
                        db.rows(
                                "select operation, changed, run_id from segdiff.audit_history where table_name = 'segdiff.segments' and key ->> 'segment_id' = '1' order by audit_id"))
                .containsExactly(
                        "INSERT|{created_at,current_version,customer_id,last_used_at,registered_by,row_security,segment_id,snapshot,source,source_owner}|",
                        "UPDATE|{current_version,snapshot}|" + run);
    }

    @Test
    void changeThatCannotBeRecordedFailsUnlessTheTableIsBestEffort() {
        db.giveToWorker("shard");
        db.execute("alter table segdiff.audit_log add constraint broken check (table_name <> 'public.shard')");

        assertThatThrownBy(() -> db.execute("insert into shard values (1, 'a')"))
                .hasMessageContaining("broken");

        audit.tables.enable(TableName.parse("shard"), true, "tester");
        db.execute("insert into shard values (1, 'a')", "truncate shard", "insert into shard values (2, 'b')");
        assertThat(db.rows("select id from shard")).containsExactly("2");

        db.execute("alter table segdiff.audit_log drop constraint broken", "delete from shard");
        assertThat(recorded()).containsExactly("DELETE|{\"id\": 2}|b|");
    }

    @Test
    void writersNeedNoRightsOnTheLog() throws SQLException {
        String role = "app_" + db.name();
        db.execute("create role %s login password 'x'".formatted(role), "grant insert on shard to " + role);
        try {
            TestDatabase application = db.as(role, "x");
            application.execute("insert into shard values (1, 'a')");
            application.close();

            assertThat(audit.log.read(AuditFixture.all("shard"), 10))
                    .extracting(AuditEntry::role)
                    .containsExactly(role);
        } finally {
            db.execute("drop owned by " + role, "drop role " + role);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'7,a', 1",
        "'{\"id\": 7, \"part\": \"a\"}', 1",
        "'7,b', 1",
        "8, 0",
        "'id=7,part=a', 1",
        "'part=b, id=7', 1",
        "'id=7 part=\"a\"', 1",
        "'id=7,part=c', 0",
        "id=7, 0"
    })
    void rowIsFoundByItsKey(String key, int found) {
        db.execute("create table pair (id int, part text, x int, primary key (id, part))");
        audit.enable("pair");
        db.execute("insert into pair values (7, 'a', 1), (7, 'b', 1)");

        assertThat(audit.log.read(AuditFixture.key("pair", key), 10)).hasSize(found);
    }

    @Test
    void rowIsFoundByItsKeyAsTheLogPrintsIt() {
        db.execute("insert into shard values (1, 'a'), (2, 'b')");

        assertThat(audit.log.read(AuditFixture.key("shard", "id=1"), 10)).hasSize(1);
        assertThat(audit.log.read(AuditFixture.key("shard", "1"), 10)).hasSize(1);
    }

    @Test
    void columnsThatTheKeyOnlyIncludesAreNotPartOfIt() {
        db.execute("create table covering (id int, note text, primary key (id) include (note))");
        audit.enable("covering");
        db.execute("insert into covering values (1, 'a'), (2, 'b')");
        db.execute("update covering set note = 'c' where id = 1", "update covering set note = note || 'x'");

        assertThat(audit.log.read(AuditFixture.key("covering", "1"), 10))
                .extracting(AuditEntry::operation)
                .containsExactly("UPDATE", "UPDATE", "INSERT");
        assertThat(audit.undo(AuditFixture.since("covering", "1h")).conflicts()).isEmpty();
        assertThat(db.rows("select * from covering")).isEmpty();
    }

    @Test
    void numberThatIsWrittenAnotherWayIsAChangeAndTheSameKey() {
        db.execute(
                "create table price (amount numeric primary key, doc jsonb)", "insert into price values (1.0, 'null')");
        audit.enable("price");
        long change = audit.transaction("update price set amount = 1.00", "update price set doc = null");

        assertThat(audit.log.read(AuditFixture.key("price", "1"), 10)).isEmpty();
        assertThat(audit.log.read(AuditFixture.all("price"), 10))
                .extracting(AuditEntry::operation, AuditEntry::changed)
                .containsExactly(tuple("UPDATE", List.of("doc")), tuple("UPDATE", List.of("amount")));
        assertThat(audit.undo(AuditFixture.transaction("price", change)).done()).isTrue();
        assertThat(db.rows("select * from price")).containsExactly("1.0|null");
    }

    /** As a rollback and another upgrade leave them, and as tables have them that were audited before. */
    @Test
    void triggersOfAFormerVersionRecordAllTheSame() {
        db.execute(
                "create table former (id int primary key, node text)",
                "insert into segdiff.audited_tables (relation, best_effort, enabled_by) values ('former'::regclass, false, 'tester')",
                """
                do $$ begin
                    execute format('create trigger segdiff_audit_update after update on former referencing old table as old_rows new table as new_rows for each statement execute function segdiff.audit_statement(''strict'', %L, ''PRIMARY KEY (id)'', ''id'')',
                                   (select oid from pg_constraint where conrelid = 'former'::regclass and contype = 'p'));
                end $$
                """,
                "insert into former values (1, 'a'), (2, 'b')",
                "update former set node = 'c' where id = 1",
                "alter table former add amount numeric default 1.0",
                "update former set amount = 1.00");

        assertThat(audit.log.read(AuditFixture.all("former"), 10))
                .extracting(AuditEntry::changed)
                .containsExactly(List.of("amount"), List.of("amount"), List.of("node"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void columnsThatComeChangeOrGoAfterTheTriggerWasMadeAreRecordedAsTheyAre(boolean rowByRow) {
        db.execute(
                "create table growing (id int primary key, a int, b numeric)",
                "insert into growing values (1, 1, 1.0)");
        audit.tables.enable(TableName.parse("growing"), rowByRow, "tester");
        String moment = db.value("select clock_timestamp()");
        db.execute(
                "update growing set b = 1.00",
                "alter table growing alter a type numeric",
                "update growing set a = 1.0",
                "alter table growing add c jsonb default 'null'",
                "update growing set c = null",
                "alter table growing rename b to d",
                "update growing set d = 2",
                "alter table growing drop d",
                "update growing set a = 3");

        assertThat(audit.log.read(AuditFixture.since("growing", moment), 10))
                .extracting(AuditEntry::changed)
                .containsExactly(List.of("a"), List.of("d"), List.of("c"), List.of("a"), List.of("b"));
    }

    @Test
    void changesAreFoundByTime() {
        db.execute("insert into shard values (1, 'a')");
        String moment = db.value("select clock_timestamp()");
        db.execute("insert into shard values (2, 'b')");

        assertThat(audit.log.read(AuditFixture.since("shard", moment), 10)).hasSize(1);
        assertThat(audit.log.read(AuditFixture.since("shard", "1h"), 10)).hasSize(2);
        assertThat(audit.log.read(AuditFixture.since("shard", "2 days ago"), 10))
                .hasSize(2);
        assertThat(audit.log.read(AuditFixture.since("shard", "2000-01-01"), 10))
                .hasSize(2);
        assertThatThrownBy(() -> audit.log.read(AuditFixture.since("shard", "soon"), 10))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("--since");
    }

    @Test
    void tableThatMovedKeepsItsHistoryAndADroppedOneIsReadByItsName() {
        db.execute(
                "insert into shard values (1, 'a')",
                "create schema app",
                "grant usage on schema app to segdiff_worker",
                "alter table shard rename to \"Shards\"",
                "alter table \"Shards\" set schema app",
                "insert into app.\"Shards\" values (2, 'b')");

        assertThat(audit.log.read(AuditFixture.all("app.\"Shards\""), 10))
                .extracting(AuditEntry::table)
                .containsExactly("app.\"Shards\"", "public.shard");

        db.execute("drop table app.\"Shards\"");
        assertThat(audit.log.read(AuditFixture.all("shard"), 10)).hasSize(1);
        assertThat(audit.tables.list()).anyMatch(audited -> audited.table() == null);
    }

    @Test
    void droppedTableIsReadByItsNameAlsoIfThatIsAWordOfSql() {
        db.execute(
                "alter table shard rename to \"order\"",
                "insert into \"order\" values (1, 'a')",
                "drop table \"order\"");

        assertThat(audit.log.read(AuditFixture.all("order"), 10)).hasSize(1);
        assertThat(audit.log.read(AuditFixture.all("\"order\""), 10)).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "a, b", "a, b, c"})
    void updatesAreRecordedAlikeForAllKeysAndRowCounts(String key) {
        db.execute(
                "create table wide (a int, b text, c date, d int, primary key (%s))".formatted(key),
                "insert into wide values (1, 'x', '2026-01-01', 0), (2, 'y', '2026-01-02', 0)");
        audit.enable("wide");

        db.execute("update wide set d = 1 where a = 1", "update wide set d = d where a = 1");
        db.execute("update wide set d = d + 1");
        db.execute("update wide set a = 3 where a = 1");

        assertThat(audit.log.read(AuditFixture.all("wide"), 10))
                .extracting(entry ->
                        "%s %s %s".formatted(entry.operation(), entry.key().get("a"), entry.changed()))
                .containsExactly(
                        "INSERT 3 [a, b, c, d]",
                        "DELETE 1 [a, b, c, d]",
                        "UPDATE 1 [d]",
                        "UPDATE 2 [d]",
                        "UPDATE 1 [d]");
        assertThat(audit.log.read(AuditFixture.all("wide"), 10))
                .allMatch(entry -> entry.key().size() == key.split(",").length);
    }

    @Test
    void tablesThatCannotBeAuditedAreRefused() {
        db.execute("create table keyless (id int)", "create view v as select 1 as id");

        for (String table : List.of("keyless", "v", "nothing", "segdiff.audit_log", "pg_catalog.pg_class")) {
            assertThatThrownBy(() -> audit.enable(table)).isInstanceOf(InvalidInputException.class);
        }
        assertThatThrownBy(() -> audit.log.read(AuditFixture.all("keyless"), 10))
                .hasMessageContaining("public.keyless is not audited");
    }

    @Test
    void enablingAgainChangesNothingAndDisablingKeepsWhatWasRecorded() {
        db.giveToWorker("shard");
        audit.enable("shard");
        db.execute("insert into shard values (1, 'a')");
        assertThat(recorded()).hasSize(1);

        assertThat(audit.tables.disable(TableName.parse("shard"))).isTrue();
        assertThat(audit.tables.disable(TableName.parse("shard"))).isFalse();
        db.execute("insert into shard values (2, 'b')");

        assertThat(recorded()).hasSize(1);
        assertThat(db.rows(
                        "select tgname from pg_trigger where tgname like 'segdiff%' and tgrelid = 'shard'::regclass"))
                .isEmpty();
    }

    @Test
    void logIsAnEventTableWithARetention() {
        db.execute(
                "insert into segdiff.audit_log (changed_at, relation, table_name, operation, key, new_row) values (now() - interval '500 days', 1, 'x', 'INSERT', '{}', '{}')");
        db.execute("insert into shard values (1, 'a')");

        new EventFixture(
                        db,
                        "segdiff.events.audit-log.table",
                        "segdiff.audit_log",
                        "segdiff.events.audit-log.time-column",
                        "changed_at",
                        "segdiff.events.audit-log.retention",
                        "365d",
                        "segdiff.events.audit-log.view",
                        "false")
                .run();

        assertThat(db.rows("select table_name from segdiff.audit_log")).containsExactly("public.shard");
        assertThat(db.value("select count(*) >= 4 from pg_inherits where inhparent = 'segdiff.audit_log'::regclass"))
                .isEqualTo("t");
    }
}
