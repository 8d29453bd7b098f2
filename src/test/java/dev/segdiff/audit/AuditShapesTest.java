package dev.segdiff.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.audit.AuditUndo.Report;
import dev.segdiff.support.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tables and columns of every shape come back as they were. */
class AuditShapesTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @SuppressWarnings("NullAway.Init")
    private AuditFixture audit;

    @BeforeEach
    void wire() {
        audit = new AuditFixture(db);
    }

    /** Damages a table in every way, takes that back, and compares the rows, as PostgreSQL writes them. */
    private Report damageAndUndo(String table, String... damage) {
        String rows = "select t::text from %s t order by 1".formatted(table);
        List<String> before = db.rows(rows);
        long number = audit.transaction(damage);
        List<String> damaged = db.rows(rows);
        assertThat(damaged).isNotEqualTo(before);

        Report report = audit.undo(AuditFixture.transaction(table, number));

        assertThat(report.conflicts()).isEmpty();
        assertThat(db.rows(rows)).isEqualTo(before);
        audit.redo(table);
        assertThat(db.rows(rows)).isEqualTo(damaged);
        return report;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "numeric; 1.10; 100000000000000000000.000000000000000001; 'NaN'; '-Infinity'",
                "double precision; 0.1; 1e-300; 'NaN'; '-Infinity'",
                "real; 0.1; 3.4e38; 'NaN'; 'Infinity'",
                "bytea; '\\x00ff'; ''; '\\xdeadbeef'; '\\x0a0d'",
                "timestamptz; 'infinity'; '-infinity'; '2026-03-29 01:30:00.123456+00'; '0044-03-15 12:00:00+00 BC'",
                "timestamp; 'infinity'; '2026-03-29 02:30:00.000001'; '0001-01-01'; '4714-11-24 00:00:00 BC'",
                "date; 'infinity'; '2026-02-28'; '0044-03-15 BC'; '9999-12-31'",
                "time; '23:59:59.999999'; '24:00:00'; '00:00'; '12:00'",
                "interval; '1 mon -1 day 00:00:00.1'; '100 years'; '-3 s'; '0'",
                "int[]; '{1,2,NULL}'; '{}'; '{{1,2},{3,4}}'; '[0:1]={5,6}'",
                "text[]; '{\"a,b\",\"\\\"\",NULL,\"NULL\"}'; '{}'; '{é}'; '{{a},{b}}'",
                "jsonb; '{\"a\": [1, null, \"x\"]}'; '[]'; '\"text\"'; '1.50'",
                "uuid; '00000000-0000-0000-0000-000000000001'; 'ffffffff-ffff-ffff-ffff-ffffffffffff'; null; null",
                "inet; '10.0.0.1'; '::1/64'; '0.0.0.0/0'; null",
                "bit(3); B'101'; B'000'; null; null",
                "int4range; '[1,5)'; 'empty'; '(,7)'; '[3,)'",
                "money; '1.10'; '-99.99'; '0'; null",
                "xml; '<a b=\"c\">&lt;</a>'; '<x/>'; null; null",
                "point; '(1.5,2)'; '(0,0)'; null; null",
                "tsvector; 'a:1 b:2A'; ''; null; null",
                "text; E'line\\n\\ttab \\\\ \" ''quote'' \\u2028 😀'; ''; 'NULL'; null",
                "varchar(5); 'abc'; ''; 'é'; null",
                "char(5); 'abc'; ''; null; null",
                "boolean; true; false; null; null",
                "bigint; 9223372036854775807; -9223372036854775808; 0; null",
                "mood; 'sad'; 'happy'; null; null",
                "positive; 1; 2147483647; null; null",
                "address; '(\"a, b\",7)'; '(,)'; null; null",
            })
    void valuesOfEveryTypeComeBack(String shape) {
        String[] parts = shape.split("; ");
        db.execute(
                "create type mood as enum ('sad', 'happy')",
                "create domain positive as int check (value > 0)",
                "create type address as (street text, number int)",
                "create table t (id int primary key, value %s, other %s)".formatted(parts[0], parts[0]),
                "insert into t values (1, %s, null), (2, %s, %s), (3, %s, null), (4, null, null)"
                        .formatted(parts[1], parts[2], parts[1], parts[3]));
        audit.enable("t");

        damageAndUndo(
                "t",
                "set local timezone = 'Asia/Kathmandu'; set local datestyle = 'ISO, DMY'; set local intervalstyle = 'sql_standard'; set local extra_float_digits = 0; set local bytea_output = 'escape'",
                "update t set value = %s, other = value where id < 3".formatted(parts[4]),
                "delete from t where id in (2, 3)",
                "insert into t values (9, %s, %s)".formatted(parts[2], parts[3]),
                "truncate t",
                "insert into t values (2, %s, null)".formatted(parts[3]));
    }

    @Test
    void valuesOfTheKeyMayBeOfAnyTypeToo() {
        db.execute(
                "create table t (at timestamptz, code bytea, amount numeric, note text, primary key (at, code, amount))",
                "insert into t values ('infinity', '\\x00', 1.10, 'a'), ('2026-01-01 00:00+00', '\\xff', 'NaN', 'b')");
        audit.enable("t");

        damageAndUndo(
                "t", "update t set note = 'x'", "update t set code = '\\x01'", "delete from t where amount = 'NaN'");
    }

    @Test
    void generatedColumnsAndIdentitiesComeBack() {
        db.execute(
                "create table t (id bigint generated always as identity primary key, net numeric, gross numeric generated always as (net * 1.19) stored, seq int generated by default as identity)",
                "insert into t (net) values (1), (2), (3)");
        audit.enable("t");

        damageAndUndo(
                "t",
                "delete from t where id = 1",
                "update t set net = 7 where id = 2",
                "insert into t (net) values (9)");
        db.execute("insert into t (net) values (10)");
    }

    @Test
    void namesThatNeedQuotesAreQuoted() {
        db.execute(
                "create schema \"My App\"",
                "grant usage on schema \"My App\" to segdiff_worker",
                "create table \"My App\".\"Shard \"\"1\"\"\" (\"Id 1\" int, \"select\" text, \"%I\" text, primary key (\"Id 1\", \"select\"))",
                "insert into \"My App\".\"Shard \"\"1\"\"\" values (1, 'a', 'x'), (2, 'b', 'y')");
        String table = "\"My App\".\"Shard \"\"1\"\"\"";
        audit.enable(table);

        damageAndUndo(
                table,
                "update %s set \"%%I\" = 'z'".formatted(table),
                "delete from %s where \"Id 1\" = 1".formatted(table));
    }

    @Test
    void newColumnKeepsItsValueAndDroppedColumnIsReportedLost() {
        db.execute(
                "create table t (id int primary key, a text, b text)",
                "insert into t values (1, 'a', 'b'), (2, 'c', 'd')");
        audit.enable("t");
        long damage = audit.transaction("update t set a = 'x', b = 'y' where id = 1", "delete from t where id = 2");
        db.execute(
                "alter table t drop column b",
                "alter table t add column c text default 'new'",
                "set session_replication_role = replica",
                "update t set c = 'own' where id = 1");

        Report report = audit.undo(AuditFixture.transaction("t", damage));

        assertThat(report.done()).isTrue();
        assertThat(report.lostColumns()).containsExactly("b");
        assertThat(db.rows("select * from t order by id")).containsExactly("1|a|own", "2|c|new");
    }

    @Test
    void columnWhoseTypeWasWidenedComesBack() {
        db.execute("create table t (id int primary key, x int)", "insert into t values (1, 5)");
        audit.enable("t");
        long damage = audit.transaction("update t set x = 6");
        db.execute("alter table t alter id type bigint, alter x type text");

        assertThat(audit.undo(AuditFixture.transaction("t", damage)).done()).isTrue();
        assertThat(db.rows("select * from t")).containsExactly("1|5");
    }

    @Test
    void tableThatWasRenamedAndMovedIsUndoneUnderItsNewName() {
        db.execute("create table t (id int primary key, x int)", "insert into t values (1, 5)");
        audit.enable("t");
        long damage = audit.transaction("delete from t");
        db.execute(
                "create schema app",
                "grant usage on schema app to segdiff_worker",
                "alter table t set schema app",
                "alter table app.t rename to u");

        assertThat(audit.undo(AuditFixture.transaction("app.u", damage)).done()).isTrue();
        assertThat(db.rows("select * from app.u")).containsExactly("1|5");
    }

    @Test
    void partitionedTableIsAuditedAlsoWhenItsPartitionsAreChangedByName() {
        db.execute(
                "create table t (id int, region text, x int, primary key (id, region)) partition by list (region)",
                "create table t_a partition of t for values in ('a')",
                "create table t_b partition of t for values in ('b')",
                "insert into t values (1, 'a', 1), (2, 'a', 2), (3, 'b', 3)");
        audit.enable("t");
        db.execute("create table t_c partition of t for values in ('c')");

        damageAndUndo(
                "t",
                "update t set region = 'b' where id = 1",
                "update t_a set x = 0",
                "delete from t_b where id = 3",
                "insert into t_c values (4, 'c', 4)",
                "truncate t_a");
    }
}
