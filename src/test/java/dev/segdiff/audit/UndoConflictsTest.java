package dev.segdiff.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.audit.AuditUndo.Conflict;
import dev.segdiff.audit.AuditUndo.Report;
import org.junit.jupiter.api.Test;

/** Changes that cannot be taken back, and why. */
class UndoConflictsTest extends UndoFixture {
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
}
