package dev.segdiff.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.audit.AuditUndo.Report;
import dev.segdiff.db.TableName;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Rows that depend on each other, and values that rows hand on. */
class UndoOrderTest extends UndoFixture {
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
}
