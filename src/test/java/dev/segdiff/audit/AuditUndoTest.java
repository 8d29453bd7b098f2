package dev.segdiff.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.audit.AuditUndo.Report;
import dev.segdiff.db.InvalidInputException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Taking changes back: which, in which order, and what stands in the way. */
class AuditUndoTest extends UndoFixture {
    @Test
    void transactionIsTakenBackWholeAndPutBackByARedo() {
        long damage = audit.transaction(
                "delete from shard where id = 1",
                "update shard set node = 'b' where id = 2",
                "update shard set lo = 25 where id = 2",
                "insert into shard values (999, 'a', 999)");
        List<String> damaged = shards();

        Report report = audit.undo(AuditFixture.transaction("shard", damage));

        assertThat(report.done()).isTrue();
        assertThat(List.of(report.inserted(), report.updated(), report.deleted()))
                .containsExactly(1, 2, 1);
        assertThat(shards()).containsExactly("1|a|10", "2|a|20", "3|b|30");
        assertThat(audit.redo("shard").done()).isTrue();
        assertThat(shards()).isEqualTo(damaged);
        assertThatThrownBy(() -> audit.redo("shard"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("nothing to redo");
    }

    @Test
    void undoIsRecordedWithWhoAndWhat() {
        long damage = audit.transaction("delete from shard where id = 1");

        audit.undo(AuditFixture.transaction("shard", damage));

        AuditEntry undo = audit.log.read(AuditFixture.all("shard"), 1).get(0);
        assertThat(undo.operation()).isEqualTo("INSERT");
        assertThat(undo.undoes()).isEqualTo("transaction " + damage);
        assertThat(undo.who()).isEqualTo("tester");
    }

    @Test
    void dryRunTellsAndChangesNothing() {
        long damage = audit.transaction("delete from shard where id = 1");
        AuditFilter filter = AuditFixture.transaction("shard", damage);

        Report report = audit.plan(filter);

        assertThat(report.done()).isFalse();
        assertThat(report.changes()).extracting(AuditUndo.Change::key).containsExactly("{\"id\": 1}");
        assertThat(shards()).containsExactly("2|a|20", "3|b|30");
        assertThat(audit.log.read(filter, 10)).hasSize(1);
    }

    @Test
    void rowIsTakenBackThroughAllItsChanges() {
        String moment = db.value("select clock_timestamp()");
        db.execute(
                "update shard set node = 'b' where id in (1, 2)",
                "delete from shard where id = 1",
                "insert into shard values (1, 'b', 11)",
                "update shard set lo = 12 where id = 1");
        AuditFilter filter = new AuditFilter(AuditFixture.all("shard").table(), null, null, "1", moment, null);

        assertThat(audit.undo(filter).done()).isTrue();

        assertThat(shards()).containsExactly("1|a|10", "2|b|20", "3|b|30");
    }

    @Test
    void onlyTheChangesOfOneActorAreTakenBack() {
        String moment = db.value("select clock_timestamp()");
        audit.transaction("set local segdiff.actor = 'anna'", "update shard set lo = 11 where id = 1");
        audit.transaction("set local segdiff.actor = 'bert'", "update shard set lo = 21 where id = 2");

        audit.undo(new AuditFilter(AuditFixture.all("shard").table(), null, null, null, moment, "anna"));

        assertThat(shards()).containsExactly("1|a|10", "2|a|21", "3|b|30");
    }

    @Test
    void tableWhoseTriggersKeepATimeIsUndoneAndSaysThatItIsNotExactlyAsBefore() {
        db.execute(
                "create table doc (id int primary key, body text, updated_at timestamptz not null default clock_timestamp())",
                "create function touch() returns trigger language plpgsql as 'begin new.updated_at := clock_timestamp(); return new; end'",
                "create trigger touch before update on doc for each row execute function touch()");
        audit.enable("doc");
        db.execute("insert into doc values (1, 'a')");
        long damage = audit.transaction(
                "update doc set body = 'b'", "update doc set body = 'c'", "update doc set body = 'd'");

        Report report = audit.undo(AuditFixture.transaction("doc", damage));

        assertThat(report.done()).isTrue();
        assertThat(report.differing()).isEqualTo(1);
        assertThat(db.value("select body from doc")).isEqualTo("a");
    }

    @Test
    void columnsMayHaveTheNamesThatTheTriggersUseThemselves() {
        db.execute(
                "create table \"row\" (r int primary key, t int, o int, n int, c text, key text, place int, old_row text, new_row text, operation text, \"row\" text)");
        audit.enable("\"row\"");
        db.execute("insert into \"row\" (r, t) values (1, 1), (2, 2)");
        List<String> before = db.rows("select * from \"row\" order by r");
        long damage = audit.transaction(
                "update \"row\" set t = 5, \"row\" = 'x' where r = 1",
                "update \"row\" set o = 6",
                "update \"row\" set r = 7 where r = 2",
                "delete from \"row\" where r = 1",
                "truncate \"row\"",
                "insert into \"row\" (r) values (9)");

        assertThat(audit.log.read(AuditFixture.all("\"row\""), 20))
                .hasSize(10)
                .allMatch(entry -> entry.key().get("r").isInt());
        assertThat(audit.undo(AuditFixture.transaction("\"row\"", damage)).conflicts())
                .isEmpty();

        assertThat(db.rows("select * from \"row\" order by r")).isEqualTo(before);
    }

    @Test
    void undoOfAnUnknownTransactionIsRefused() {
        assertThatThrownBy(() -> audit.undo(AuditFixture.transaction("shard", 1)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("no recorded change of public.shard");
    }

    @Test
    void bulkChangeIsTakenBack() {
        db.execute("create table bulk (id int primary key, x int)");
        audit.enable("bulk");
        db.execute("insert into bulk select g, g from generate_series(1, 4000) g");
        long damage = audit.transaction("update bulk set x = 0", "delete from bulk where id % 2 = 0");

        assertThat(audit.undo(AuditFixture.transaction("bulk", damage)).done()).isTrue();

        assertThat(db.value("select count(*) filter (where x = id) from bulk")).isEqualTo("4000");
    }

    @Test
    void changesAfterThePlanAreNotTakenBack() {
        AuditFilter filter = AuditFixture.since("shard", db.value("select clock_timestamp()"));
        db.execute("insert into shard values (7, 'a', 70)");
        Report plan = audit.plan(filter);
        db.execute("insert into shard values (8, 'a', 80)");

        audit.carryOut(new AuditUndo.Request(filter, filter.words(), "tester", false), plan);

        assertThat(shards()).containsExactly("1|a|10", "2|a|20", "3|b|30", "8|a|80");
    }

    @Test
    void registryCannotBeUndone() {
        assertThatThrownBy(() -> audit.undo(AuditFixture.since("segdiff.segments", "1h")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("segdiff undo RUN");
    }

    @Test
    void changesRecordedByTheFormerFormatAreTakenBack() {
        db.execute("create table old (id numeric primary key, doc json, a int[], x float8)");
        audit.enable("old");
        db.execute("insert into old values (1.0, '{ \"a\": 1 }', '[0:1]={1,2}', -0.0)", """
                insert into segdiff.audit_log (relation, table_name, operation, key, old_row, new_row, transaction_id)
                select 'old'::regclass, 'public.old', 'UPDATE', '{"id": 1.0}', '{"id": 1.0, "doc": [1], "a": [3], "x": 0.5}', to_jsonb(o.*), 77 from old o
                """);

        assertThat(audit.undo(AuditFixture.transaction("old", 77)).conflicts()).isEmpty();

        assertThat(db.rows("select * from old")).containsExactly("1.0|[1]|{3}|0.5");
    }
}
