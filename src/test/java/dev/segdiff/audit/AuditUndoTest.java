package dev.segdiff.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.audit.AuditUndo.Conflict;
import dev.segdiff.audit.AuditUndo.Report;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.TableName;
import dev.segdiff.support.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Taking changes back: which, in which order, and what stands in the way. */
class AuditUndoTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @SuppressWarnings("NullAway.Init")
    private AuditFixture audit;

    @BeforeEach
    void table() {
        audit = new AuditFixture(db);
        db.execute(
                "create table node (name text primary key)",
                "insert into node values ('a'), ('b')",
                "create table shard (id int primary key, node text references node, lo int unique)");
        audit.enable("shard");
        db.execute("insert into shard values (1, 'a', 10), (2, 'a', 20), (3, 'b', 30)");
    }

    private List<String> shards() {
        return db.rows("select * from shard order by id");
    }

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
    void rowThatWasChangedAgainIsAConflictAndNamesWhoDidIt() {
        long damage = audit.transaction("update shard set lo = lo + 1");
        long later = audit.transaction("set local segdiff.actor = 'bert'", "update shard set node = 'b' where id = 2");

        Report report = audit.undo(AuditFixture.transaction("shard", damage));

        assertThat(report.done()).isFalse();
        assertThat(report.conflicts())
                .containsExactly(
                        new Conflict("{\"id\": 2}", "UPDATE", damage, "changed again by bert in transaction " + later));
        assertThat(shards()).containsExactly("1|a|11", "2|b|21", "3|b|31");

        assertThat(audit.undoWhatCanBe(AuditFixture.transaction("shard", damage))
                        .done())
                .isTrue();
        assertThat(shards()).containsExactly("1|a|10", "2|b|21", "3|b|30");
    }

    @Test
    void rowThatWasChangedBehindTheAuditIsAConflict() {
        long damage = audit.transaction("update shard set lo = lo + 1");
        db.execute("set session_replication_role = replica", "update shard set node = 'b' where id = 1");

        assertThat(audit.undo(AuditFixture.transaction("shard", damage)).conflicts())
                .extracting(Conflict::reason)
                .containsExactly("not as the audit knows it");
    }

    @Test
    void keyTakenByAnotherRowIsAConflict() {
        long damage = audit.transaction("delete from shard where id in (1, 2)");
        db.execute("insert into shard values (50, 'a', 10)");

        Report report = audit.undo(AuditFixture.transaction("shard", damage));

        assertThat(report.conflicts()).singleElement().satisfies(conflict -> assertThat(conflict.reason())
                .contains("Key (lo)=(10) already exists"));
        assertThat(audit.undoWhatCanBe(AuditFixture.transaction("shard", damage))
                        .inserted())
                .isEqualTo(1);
        assertThat(shards()).containsExactly("2|a|20", "3|b|30", "50|a|10");
    }

    @Test
    void missingReferencedRowIsAConflict() {
        long damage = audit.transaction("delete from shard where node = 'b'");
        db.execute("delete from node where name = 'b'");

        assertThat(audit.undo(AuditFixture.transaction("shard", damage)).conflicts())
                .singleElement()
                .satisfies(conflict -> assertThat(conflict.reason()).contains("is not present in table \"node\""));
    }

    @Test
    void valuesThatRowsOfOneStatementHandOnAreHandedBack() {
        // Whatever the order in which the log has them: each goes to a place that another must leave first.
        long damage = audit.transaction(
                "update shard set lo = lo + 10 where id = 3",
                "update shard set lo = lo + 10 where id = 2",
                "update shard set lo = lo + 10 where id = 1");
        long moved = audit.transaction(
                "alter table shard drop constraint shard_lo_key",
                "update shard set lo = 70 - lo",
                "alter table shard add unique (lo)");
        assertThat(shards()).containsExactly("1|a|50", "2|a|40", "3|b|30");

        Report swapped = audit.undo(AuditFixture.transaction("shard", moved));
        assertThat(swapped.conflicts()).hasSize(2).allSatisfy(conflict -> assertThat(conflict.reason())
                .contains("already exists"));

        db.execute(
                "alter table shard drop constraint shard_lo_key",
                "alter table shard add unique (lo) deferrable initially deferred");
        assertThat(audit.undo(AuditFixture.transaction("shard", moved)).done()).isTrue();
        assertThat(audit.undo(new AuditFilter(AuditFixture.all("shard").table(), damage, null, null, null, null))
                        .conflicts())
                .as("the undo above changed these rows again")
                .isNotEmpty();
    }

    @Test
    void parentsComeBackBeforeTheirChildrenAlthoughTheyWentInOneStatement() {
        db.execute("create table tree (id int primary key, parent int references tree)");
        audit.enable("tree");
        db.execute("insert into tree values (5, null), (1, 5), (9, 1), (7, 9), (2, 7)");
        long damage = audit.transaction("delete from tree");

        assertThat(audit.undo(AuditFixture.transaction("tree", damage)).done()).isTrue();

        assertThat(db.rows("select * from tree order by id")).containsExactly("1|5", "2|7", "5|", "7|9", "9|1");
    }

    @Test
    void rowsThatReferToEachOtherComeBackTogetherAlsoWhereEachIsRecordedByItself() {
        db.execute(
                "create table part (id int primary key, parent int references part) partition by range (id)",
                "create table part_1 partition of part for values from (0) to (6)",
                "create table part_2 partition of part for values from (6) to (10)",
                "create table kind (id int primary key, parent int references kind)");
        audit.enable("part");
        audit.tables.enable(TableName.parse("kind"), true, "tester");
        for (String table : List.of("part", "kind")) {
            db.execute("insert into %s values (5, null), (1, 5), (9, 1), (7, 9), (2, 7)".formatted(table));
            long damage = audit.transaction(
                    "update %s set parent = 5 where id = 7".formatted(table), "delete from %s".formatted(table));

            assertThat(audit.undo(AuditFixture.transaction(table, damage)).conflicts())
                    .as(table)
                    .isEmpty();

            assertThat(db.rows("select * from %s order by id".formatted(table)))
                    .containsExactly("1|5", "2|7", "5|", "7|9", "9|1");
            assertThat(audit.redo(table).conflicts()).as("redo of " + table).isEmpty();
            assertThat(db.rows("select * from " + table)).isEmpty();
        }
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
    void inexactRowsAreReportedBesideSkippedConflicts() {
        db.execute(
                "create table doc (id int primary key, body text, updated_at timestamptz not null default clock_timestamp())",
                "create function touch() returns trigger language plpgsql as 'begin new.updated_at := clock_timestamp(); return new; end'",
                "create trigger touch before update on doc for each row execute function touch()");
        audit.enable("doc");
        db.execute("insert into doc values (1, 'a'), (2, 'a')");
        long damage = audit.transaction("update doc set body = 'b'");
        db.execute("update doc set body = 'c' where id = 2");

        AuditFilter damaged = AuditFixture.transaction("doc", damage);
        Report plan = audit.plan(damaged, true);

        assertThat(plan.conflicts()).hasSize(1);
        assertThat(plan.differing()).isEqualTo(1);
        assertThat(audit.undoWhatCanBe(damaged).differing()).isEqualTo(1);
        assertThat(db.rows("select id, body from doc order by id")).containsExactly("1|a", "2|c");
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
    void keysThatRowsExchangeUnderADeferredConstraintAreExchangedBack() {
        db.execute(
                "create table d (id int primary key deferrable initially deferred, v text)",
                "insert into d values (1, 'a'), (2, 'b')");
        audit.enable("d");
        long damage = audit.transaction("update d set id = 3 - id");

        assertThat(audit.undo(AuditFixture.transaction("d", damage)).done()).isTrue();

        assertThat(db.rows("select * from d order by id")).containsExactly("1|a", "2|b");
    }

    @Test
    void rowWithNewReferencesIsNotRemoved() {
        db.execute("create table child (id int primary key, shard int references shard on delete cascade)");
        long damage = audit.transaction("insert into shard values (7, 'a', 70)");
        db.execute("insert into child values (1, 7)");

        assertThat(audit.undo(AuditFixture.transaction("shard", damage)).conflicts())
                .singleElement()
                .satisfies(conflict -> assertThat(conflict.reason())
                        .startsWith("rows of child refer to it".replace("child", "public.child")));
        assertThat(db.rows("select id from child")).containsExactly("1");
    }

    @Test
    void deferredReferenceThatIsMissingIsAConflictAndNoErrorAtTheEnd() {
        db.execute(
                "create table leaf (id int primary key, node text references node deferrable initially deferred)",
                "insert into node values ('c')",
                "insert into leaf values (1, 'c')");
        audit.enable("leaf");
        long damage = audit.transaction("delete from leaf");
        db.execute("delete from node where name = 'c'");

        assertThat(audit.plan(AuditFixture.transaction("leaf", damage)).conflicts())
                .singleElement()
                .satisfies(conflict -> assertThat(conflict.reason()).contains("is not present in table \"node\""));
    }

    @Test
    void triggersOfTheTableFindTheirTablesAndTheirRefusalIsAConflict() {
        db.execute(
                "create table w (id int primary key, x int)",
                "create table hist (op text)",
                "create function keep() returns trigger language plpgsql as 'begin insert into hist values (tg_op); if tg_op = ''INSERT'' and new.id = 2 then raise exception ''not two''; end if; return null; end'",
                "insert into w values (1, 1), (2, 2)",
                "create trigger keep after insert or delete on w for each row execute function keep()");
        audit.enable("w");
        long damage = audit.transaction("delete from w");

        assertThat(audit.undo(AuditFixture.transaction("w", damage)).conflicts())
                .extracting(Conflict::reason)
                .containsExactly("not two");
        assertThat(audit.undoWhatCanBe(AuditFixture.transaction("w", damage)).done())
                .isTrue();
        assertThat(db.rows("select id from w")).containsExactly("1");
    }

    @Test
    void registryCannotBeUndone() {
        assertThatThrownBy(() -> audit.undo(AuditFixture.since("segdiff.segments", "1h")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("segdiff undo RUN");
    }

    @Test
    void movedRowIsNeverTakenBackByHalf() {
        String moment = db.value("select clock_timestamp()");
        db.execute("update shard set id = 9 where id = 1");
        audit.undo(new AuditFilter(AuditFixture.all("shard").table(), null, null, "1", moment, null));
        assertThat(shards()).containsExactly("1|a|10", "2|a|20", "3|b|30");

        long again = audit.transaction("update shard set id = 8 where id = 2");
        db.execute("update shard set node = 'b' where id = 8");
        audit.undoWhatCanBe(AuditFixture.transaction("shard", again));
        assertThat(shards()).containsExactly("1|a|10", "3|b|30", "8|b|20");
    }

    @Test
    void rowGoesStraightToItsFirstValueAlsoIfAValueInBetweenIsNoLongerAllowed() {
        db.execute("insert into node values ('c')");
        long twice = audit.transaction(
                "update shard set node = 'c', lo = 99 where id = 1",
                "update shard set node = 'b', lo = 11 where id = 1");
        db.execute("delete from node where name = 'c'", "insert into shard values (4, 'b', 99)");

        assertThat(audit.undo(AuditFixture.transaction("shard", twice)).conflicts())
                .isEmpty();

        assertThat(shards()).containsExactly("1|a|10", "2|a|20", "3|b|30", "4|b|99");
    }

    @Test
    void valuesThatRowsExchangedByWayOfAThirdAreExchangedBack() {
        long exchange = audit.transaction(
                "update shard set lo = 99 where id = 1",
                "update shard set lo = 10 where id = 2",
                "update shard set lo = 20 where id = 1");

        assertThat(audit.undo(AuditFixture.transaction("shard", exchange)).conflicts())
                .isEmpty();

        assertThat(shards()).containsExactly("1|a|10", "2|a|20", "3|b|30");
    }

    @Test
    void rowsThatReferToEachOtherGoAndComeTogetherHoweverManyTheyAre() {
        db.execute(
                "create table tree (id int primary key, parent int references tree on delete cascade, name text)",
                "create index on tree (parent)");
        audit.enable("tree");
        long grown = audit.transaction(
                "insert into tree select g, nullif((g * 7919) % 12007, 0), 'a' from generate_series(0, 12006) g");
        List<String> before = db.rows("select * from tree order by id");

        assertThat(audit.undo(AuditFixture.transaction("tree", grown)).conflicts())
                .isEmpty();
        assertThat(db.rows("select * from tree")).isEmpty();
        assertThat(audit.redo("tree").conflicts()).isEmpty();
        assertThat(db.rows("select * from tree order by id")).isEqualTo(before);
    }

    @Test
    void oneConflictAmongThousandsIsFoundAndTheOthersAreTakenBack() {
        db.execute("create table bulk (id int primary key, u int unique, node text)");
        audit.enable("bulk");
        db.execute("insert into bulk select g, g, 'a' from generate_series(1, 12000) g");
        long damage = audit.transaction("delete from bulk where id > 2000", "update bulk set node = 'x'");
        db.execute("insert into bulk values (20000, 7000, 'b')");

        AuditFilter filter = AuditFixture.transaction("bulk", damage);
        assertThat(audit.undo(filter).conflicts()).singleElement().satisfies(conflict -> {
            assertThat(conflict.key()).isEqualTo("{\"id\": 7000}");
            assertThat(conflict.reason()).contains("Key (u)=(7000) already exists");
        });
        Report report = audit.undoWhatCanBe(filter);

        assertThat(report.done()).isTrue();
        assertThat(report.inserted()).isEqualTo(9999);
        assertThat(report.updated()).isEqualTo(2000);
        assertThat(report.changes()).hasSize(1000);
        assertThat(db.value("select count(*) filter (where node = 'a') from bulk"))
                .isEqualTo("11999");
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
