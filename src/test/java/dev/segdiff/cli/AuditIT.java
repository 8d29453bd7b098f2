package dev.segdiff.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.TestDatabase;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The audit and the undo as a person uses them. */
class AuditIT {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private Segdiff segdiff;

    @BeforeEach
    void table() {
        segdiff = new Segdiff(directory).on(db);
        db.execute(
                "create table shard (id int primary key, node text)",
                "insert into shard select g, 'n' || g from generate_series(1, 5) g");
        db.giveToWorker("shard");
        expect(0, "audit", "enable", "shard");
    }

    private Ended expect(int exitCode, String... arguments) {
        Ended ended = segdiff.run(arguments);
        assertThat(ended.exitCode()).as(ended.toString()).isEqualTo(exitCode);
        assertThat(ended.err()).doesNotContain("\tat ");
        return ended;
    }

    @Test
    void damageIsSeenTakenBackAndRedone() {
        db.execute(
                "begin; set local segdiff.actor = 'anna'; delete from shard where id > 3; update shard set node = 'x' where id = 1; commit");

        assertThat(expect(0, "audit", "log", "shard", "--actor", "anna").out())
                .contains("UPDATE id=1", "- node: \"n1\"", "+ node: \"x\"", "DELETE id=5", "by anna");
        JsonNode log = expect(0, "audit", "log", "shard", "--format", "json", "--limit", "1")
                .json();
        String transaction = log.get(0).get("transaction").asText();

        assertThat(expect(0, "audit", "undo", "shard", "--tx", transaction, "--dry-run")
                        .out())
                .contains("bring back  {\"id\": 5}", "Would bring back 2 rows, change back 1 and delete 0.");
        assertThat(expect(2, "audit", "undo", "shard", "--tx", transaction).err())
                .contains("nobody can be asked here");
        assertThat(db.value("select count(*) from shard")).isEqualTo("3");

        expect(0, "audit", "undo", "shard", "--tx", transaction, "--yes");
        assertThat(db.rows("select node from shard order by id")).containsExactly("n1", "n2", "n3", "n4", "n5");
        assertThat(expect(0, "audit", "redo", "shard", "--yes", "--json")
                        .json()
                        .get("done")
                        .asBoolean())
                .isTrue();
        assertThat(db.value("select count(*) from shard")).isEqualTo("3");
    }

    @Test
    void conflictIsRefusedWithTheListAndSkippedOnDemand() {
        db.execute(
                "delete from shard where id = 1",
                "delete from shard where id = 2",
                "insert into shard values (1, 'new')");

        Ended refused =
                expect(3, "audit", "undo", "shard", "--since", "1h", "--key", "1", "--tx", transaction(1), "--yes");
        assertThat(refused.out())
                .contains("Conflict: DELETE of {\"id\": 1}", "changed again by", "Nothing was changed");
        expect(0, "audit", "undo", "shard", "--tx", transaction(2), "--skip-conflicts", "--yes");
        assertThat(db.rows("select node from shard where id < 3 order by id")).containsExactly("new", "n2");
    }

    private String transaction(int deleted) {
        return db.value(
                "select transaction_id from segdiff.audit_log where operation = 'DELETE' and (key ->> 'id')::int = "
                        + deleted);
    }

    @Test
    void mistakesAreToldAndExitWithTwo() {
        assertThat(expect(2, "audit").err()).contains("expected one of enable, disable, list, log, undo, redo");
        assertThat(expect(2, "audit", "enable", "nothing").err()).contains("nothing");
        assertThat(expect(2, "audit", "disable", "public.shards").err()).contains("shards");
        assertThat(expect(2, "audit", "undo", "shard", "--yes").err()).contains("--tx, --run, --key or --since");
        assertThat(expect(2, "audit", "undo", "shard", "--since", "soon").err()).contains("--since");
        assertThat(expect(2, "audit", "undo", "shard", "--tx", "1").err()).contains("no recorded change");
        assertThat(expect(2, "audit", "redo", "shard").err()).contains("nothing to redo");
        assertThat(expect(2, "undo", "4711").err()).contains("there is no run 4711");
        assertThat(expect(2, "exemptions", "--end", "shard").err()).contains("is not exempt");
    }

    @Test
    void runIsUndone() {
        db.execute("create table audience (contact_id bigint)", "insert into audience values (1), (2)");
        expect(0, "segments", "add", "7", "42", "--source", "audience");
        expect(0, "run", "segment-diff");
        db.execute("update segdiff.segments set last_used_at = now() - interval '40 days'");
        String run = expect(0, "run", "snapshot-cleanup", "--json")
                .json()
                .get(0)
                .get("run_id")
                .asText();

        assertThat(expect(0, "undo", run, "--dry-run").out()).contains("can be put back: segment 7/42");
        assertThat(expect(2, "undo", run).err()).contains("nobody can be asked here");
        assertThat(expect(0, "undo", run, "--yes").out()).contains("Put back: 1.");

        assertThat(expect(0, "segments", "list").out()).contains("audience");
        assertThat(expect(0, "undo", run, "--json").out()).contains("\"recallable\":[]");
        assertThat(expect(0, "exemptions").out()).contains("No partition is exempt");
    }

    @Test
    void registryIsAuditedAndListed() {
        assertThat(expect(0, "audit", "list").out()).contains("segdiff.segments", "public.shard");
        expect(0, "audit", "disable", "shard");
        assertThat(expect(0, "audit", "list", "--json").out()).doesNotContain("shard");
    }
}
