package dev.segdiff.audit;

import dev.segdiff.support.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A database with an audited table of shards. */
abstract class UndoFixture {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @SuppressWarnings("NullAway.Init")
    AuditFixture audit;

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

    List<String> shards() {
        return db.rows("select * from shard order by id");
    }
}
