package dev.segdiff.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.support.Await;
import dev.segdiff.support.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A database with bloated indexes, and sessions that hold something. */
abstract class RebuildFixture {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    /** A rebuild waits for it before it builds. */
    static final String WRITER = "lock table event in row exclusive mode";

    /** A rebuild waits for it when it has built. */
    static final String SNAPSHOT = "select 1";

    /** A rebuild waits for it when the new index has taken the place of the old. */
    static final String READER = "lock table event in access share mode";

    IndexFixture wire(String... more) {
        return new IndexFixture(db, more);
    }

    void bloat(String table) {
        IndexFixture.bloat(db, table, 10_000, 4);
    }

    java.util.List<String> invalid() {
        return db.rows("select indexrelid::regclass from pg_index where not indisvalid order by 1");
    }

    /** As a build of somebody else leaves it. */
    void foreignInvalid(String name) {
        db.execute(
                "create index %s on event (id)".formatted(name),
                "update pg_index set indisvalid = false where indexrelid = '%s'::regclass".formatted(name));
    }

    /** A transaction that a rebuild has to wait for. */
    final class Held implements AutoCloseable {
        private final Connection connection = db.connect();

        Held(String statement) throws SQLException {
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            connection.createStatement().execute(statement);
        }

        CompletableFuture<RunReport> runUntilItWaits(IndexFixture index) {
            return untilItWaits(CompletableFuture.supplyAsync(index::run));
        }

        CompletableFuture<RunReport> untilItWaits(CompletableFuture<RunReport> run) {
            Await.until("it waits", () -> run.isDone() || !db.rows("""
                    select from pg_stat_progress_create_index where datname = current_database() and phase like 'waiting for%'
                    """).isEmpty());
            return run;
        }

        @Override
        public void close() throws SQLException {
            connection.close();
        }
    }

    void terminate(IndexFixture index, String before, boolean noted) throws SQLException {
        try (Held held = new Held(before)) {
            CompletableFuture<RunReport> run = held.runUntilItWaits(index);
            if (noted) {
                Await.until("it is noted", () -> db.value("select new_oid is not null from segdiff.index_rebuilds")
                        .equals("t"));
            }
            db.execute(
                    "select pg_terminate_backend(pid) from pg_stat_progress_create_index where datname = current_database()");
            assertThat(run.join().outcome()).as(run.join().toString()).isEqualTo(Outcome.INTERRUPTED);
        }
    }
}
