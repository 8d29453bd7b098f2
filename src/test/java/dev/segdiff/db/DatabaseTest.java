package dev.segdiff.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.segdiff.support.TcpProxy;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DatabaseTest {
    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @BeforeEach
    void table() {
        db.execute("create table t (x int)");
    }

    @Test
    void transactionIsRolledBackWhenItsWorkThrows() {
        assertThatThrownBy(() -> db.database().inTransaction(session -> {
                    session.update("insert into t values (1)");
                    throw new IllegalStateException("no");
                }))
                .hasMessage("no");

        assertThat(db.rows("select * from t")).isEmpty();
    }

    @Test
    void transactionCanAskToBeRolledBack() {
        db.database().inTransaction(session -> {
            session.update("insert into t values (1)");
            session.rollBackAtEnd();
        });

        assertThat(db.rows("select * from t")).isEmpty();
    }

    @Test
    void settingsHoldForOneTransactionOnly() {
        Database database = db.database();

        String inside = database.transaction(
                database.defaults().with("work_mem", "7MB").with("segdiff.logical_day", "2026-01-02"),
                new Cancellation(),
                session -> session.one(
                        "select current_setting('work_mem') || ' ' || segdiff.logical_day()", row -> row.getString(1)));
        String after = database.transaction(session -> session.one(
                "select current_setting('work_mem') || ' ' || coalesce(current_setting('segdiff.logical_day', true), '')",
                row -> row.getString(1)));

        assertThat(inside).isEqualTo("7MB 2026-01-02");
        assertThat(after).isEqualTo("4MB ");
    }

    @Test
    void firstStatementReportsItsOwnRowsAndCounts() {
        assertThat(db.database()
                        .<Long>transaction(session -> session.update("insert into t select generate_series(1, 3)")))
                .isEqualTo(3);
    }

    @Test
    void waitForALockIsBounded() throws SQLException {
        db.giveToWorker("t");
        try (Connection other = db.connect()) {
            other.setAutoCommit(false);
            TestDatabase.rows(other, "select * from t");

            assertThatThrownBy(() -> db.database().inTransaction(session -> session.update("drop table t")))
                    .isInstanceOfSatisfying(DatabaseException.class, e -> assertThat(e.isLockTimeout())
                            .isTrue());
        }
    }

    @Test
    void lockTimeoutUndoesOnlyTheStepThatWaited() throws SQLException {
        db.execute("create table busy (x int)");
        db.giveToWorker("busy");
        try (Connection other = db.connect()) {
            other.setAutoCommit(false);
            TestDatabase.rows(other, "select * from busy");

            db.database().inTransaction(session -> {
                session.update("insert into t values (1)");
                session.retryOnLockTimeout(new Retry(3, Duration.ofMillis(10)), () -> {
                    try {
                        session.update("alter table busy rename to renamed");
                    } finally {
                        rollback(other);
                    }
                });
            });
        }

        assertThat(db.rows("select * from t")).containsExactly("1");
        assertThat(db.value("select to_regclass('renamed')")).isEqualTo("renamed");
    }

    @Test
    void cancellationEndsTheRunningStatement() {
        Cancellation cancellation = new Cancellation();
        Database database = db.database();
        CompletableFuture<Object> running = CompletableFuture.supplyAsync(() -> database.transaction(
                database.defaults(), cancellation, session -> session.list("select pg_sleep(600)", row -> row)));
        while (db.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep'")
                .equals("0")) {
            Thread.onSpinWait();
        }

        cancellation.request("enough");

        assertThatThrownBy(running::join)
                .cause()
                .isInstanceOf(CancelledException.class)
                .hasMessage("enough");
    }

    @Test
    void cancelledWorkStartsNoStatement() {
        Cancellation cancellation = new Cancellation();
        cancellation.request("enough");
        Database database = db.database();

        assertThatThrownBy(() -> database.transaction(
                        database.defaults(), cancellation, session -> session.update("insert into t values (1)")))
                .isInstanceOf(CancelledException.class);
    }

    @Test
    void transactionUnderWayMayEndWithinTheGraceAndNoneBegins() {
        Cancellation cancellation = new Cancellation();
        Database database = db.database();

        database.transaction(database.defaults(), cancellation, session -> {
            session.update("insert into t values (1)");
            cancellation.request("enough", Duration.ofMinutes(1));
            return session.update("insert into t values (2)");
        });

        assertThat(db.rows("select * from t order by x")).containsExactly("1", "2");
        assertThatThrownBy(() -> database.transaction(
                        database.defaults(), cancellation, session -> session.update("insert into t values (3)")))
                .isInstanceOf(CancelledException.class);
    }

    @Test
    void answerThatTheNetworkSwallowsEndsAsALostConnection() throws SQLException, IOException {
        URI server = URI.create(db.url().replace("jdbc:", ""));
        try (TcpProxy proxy = new TcpProxy(server.getHost(), server.getPort())) {
            TestDatabase far = db.through(proxy.port());
            Database database = far.database();
            Settings quick = database.defaults().statementTimeout(Duration.ofMillis(100));
            database.transaction(quick, new Cancellation(), session -> session.list("select 1", row -> row));

            proxy.stall();

            assertThatThrownBy(() -> database.transaction(
                            quick, new Cancellation(), session -> session.list("select 1", row -> row)))
                    .isInstanceOfSatisfying(DatabaseException.class, e -> assertThat(e.isLostConnection())
                            .isTrue());
            proxy.resume();
            assertThat(database.<Integer>transaction(session -> session.one("select 1", row -> row.getInt(1))))
                    .isEqualTo(1);
            far.close();
        }
    }

    @Test
    void connectionThatTheNetworkKeepsBackIsALostOne() throws SQLException, IOException {
        URI server = URI.create(db.url().replace("jdbc:", ""));
        try (TcpProxy proxy = new TcpProxy(server.getHost(), server.getPort())) {
            TestDatabase far = db.through(proxy.port());
            proxy.stall();

            // The pool gives up first, in words of its own.
            assertThatThrownBy(() -> far.database().transaction(session -> session.list("select 1", row -> row)))
                    .isInstanceOfSatisfying(DatabaseException.class, e -> assertThat(e.isLostConnection())
                            .as(e.getMessage())
                            .isTrue());
            proxy.resume();
            far.close();
        }
    }

    private static void rollback(Connection connection) {
        try {
            connection.rollback();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
