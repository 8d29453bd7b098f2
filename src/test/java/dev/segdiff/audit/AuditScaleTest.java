package dev.segdiff.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.audit.AuditUndo.Report;
import dev.segdiff.support.TestDatabase;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** An undo of many rows finds the ways and the conflicts that one of few finds. */
class AuditScaleTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    private AuditFixture audit;

    @BeforeEach
    void audit() {
        audit = new AuditFixture(db);
    }

    @Test
    void valuesThatThousandsOfRowsExchangedByWayOfOthersAreExchangedBack() {
        db.execute("create table seat (id int primary key, place int unique)");
        audit.enable("seat");
        db.execute("insert into seat select g, g from generate_series(1, 12000) g");
        long exchange = audit.transaction(
                "update seat set place = -place",
                "update seat set place = case when -place % 2 = 0 then -place - 1 else -place + 1 end");

        assertThat(audit.undo(AuditFixture.transaction("seat", exchange)).conflicts())
                .isEmpty();

        assertThat(db.value("select count(*) from seat where place = id")).isEqualTo("12000");
    }

    @Test
    void rowsWhoseParentsAreGoneAreTheOnlyConflictsAmongManyThatWereChangedTwice() {
        db.execute(
                "create table parent (id int primary key)",
                "create table child (id int primary key, parent int references parent, x int)",
                "insert into parent select g from generate_series(0, 99) g");
        audit.enable("child");
        db.execute(
                "insert into child select g, g % 97, g from generate_series(1, 12000) g",
                "update child set parent = 99 where id in (7, 6000, 11999)");
        long damage = audit.transaction("update child set x = 0", "delete from child");
        db.execute("delete from parent where id = 99");

        AuditFilter filter = AuditFixture.transaction("child", damage);
        assertThat(audit.undo(filter).conflicts()).hasSize(3).allSatisfy(conflict -> assertThat(conflict.reason())
                .contains("Key (parent)=(99) is not present in table \"parent\""));
        Report report = audit.undoWhatCanBe(filter);

        assertThat(report.done()).isTrue();
        assertThat(report.inserted()).isEqualTo(11997);
        assertThat(db.value("select count(*) from child where x = id")).isEqualTo("11997");
    }

    @Test
    void undoTellsHowFarItIsAndNeedsNoTrialBefore() {
        db.execute("create table bulk (id int primary key, x int)");
        audit.enable("bulk");
        db.execute("insert into bulk select g, g from generate_series(1, 12000) g");
        AuditFilter filter = AuditFixture.transaction("bulk", audit.transaction("update bulk set x = 0"));
        List<String> told = new ArrayList<>();

        Report report = audit.undo.undo(
                new AuditUndo.Request(filter, filter.words(), "tester", false),
                AuditUndo.UNSEEN,
                (step, rows, ofRows) -> told.add(step + " " + rows + " of " + ofRows));

        assertThat(report.done()).isTrue();
        assertThat(report.updated()).isEqualTo(12000);
        assertThat(told)
                .containsSubsequence(
                        "reading the log 0 of 0",
                        "taking back 0 of 12000",
                        "taking back 5000 of 12000",
                        "taking back 10000 of 12000");
        assertThat(told)
                .as("a table without triggers needs no second look")
                .noneMatch(step -> step.startsWith("comparing"));
        assertThat(db.value("select count(*) from bulk where x = id")).isEqualTo("12000");
        assertThat(audit.redo("bulk").done()).isTrue();
    }
}
