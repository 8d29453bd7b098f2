package dev.segdiff.pace;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.CancelledException;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Settings;
import dev.segdiff.run.RunContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Runs a statement that holds a table for a long time, such as a rebuild or a vacuum, and cancels the statement if
 * another session wants to lock the table. Readers and writers go on beside the statement. But a session that wants to
 * lock them out, such as an {@code alter table}, waits for the statement, and readers and writers then wait behind this
 * session. So segdiff watches the statement and gives way, as autovacuum does.
 */
@ApplicationScoped
public class LongStatement {
    private static final Logger LOG = Logger.getLogger(LongStatement.class);

    /**
     * How often segdiff looks for waiting sessions. At 250 ms, a statement is in the way for less than half a second
     * before it has been noticed and cancelled.
     */
    private static final long WATCH_MILLIS = 250;

    /** The time limit of the query that looks for waiting sessions. */
    private static final Duration QUERY_TIMEOUT = Duration.ofSeconds(2);

    private final Database database;

    public LongStatement(Database database) {
        this.database = database;
    }

    /**
     * The settings of a long statement: its time limits and, on Linux, a check once a second whether the worker still
     * lives. If the worker has died, PostgreSQL ends the statement, because no worker watches the statement any more.
     */
    public Settings settings(Duration statementTimeout, Duration lockTimeout) {
        Settings bounded = Settings.bounded(statementTimeout, lockTimeout);
        boolean canCheck = database.transaction(
                session -> session.one("select version() like '%linux%'", row -> row.getBoolean(1)));
        return canCheck ? bounded.with("client_connection_check_interval", "1s") : bounded;
    }

    /**
     * A statement that holds a table.
     *
     * @param settings what {@link #settings} answers
     */
    public record OnTable(String sql, long tableOid, Settings settings) {}

    /**
     * Runs the statement to its end, or until another session waits for its table.
     *
     * @param watched is called every 250 ms while the statement runs
     * @return the session to which the statement gave way, in words; empty if the statement has ended by itself
     * @throws CancelledException if the run is to end
     */
    public Optional<String> run(RunContext run, OnTable statement, Runnable watched) {
        run.cancellation().check();
        Cancellation cancellation = new Cancellation();
        CountDownLatch ended = new CountDownLatch(1);
        Runnable look = () -> look(cancellation, statement.tableOid(), watched);
        Thread watcher = new Thread(() -> watch(run, cancellation, ended, look), "segdiff-watch-" + run.runId());
        watcher.setDaemon(true);
        watcher.start();
        try {
            database.outsideTransaction(statement.settings(), cancellation, statement.sql());
            return Optional.empty();
        } catch (CancelledException e) {
            run.cancellation().check();
            return Optional.of(String.valueOf(e.getMessage()));
        } finally {
            ended.countDown();
        }
    }

    private static void watch(RunContext run, Cancellation statement, CountDownLatch ended, Runnable look) {
        try {
            while (!ended.await(WATCH_MILLIS, TimeUnit.MILLISECONDS)) {
                String why = run.cancellation().reason();
                if (why != null) {
                    statement.request(why);
                    return;
                }
                look.run();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void look(Cancellation statement, long tableOid, Runnable watched) {
        try {
            waiting(tableOid).ifPresent(statement::request);
            watched.run();
        } catch (DatabaseException e) {
            // The next look may succeed, and the statement has its own time limit.
            LOG.warnf("cannot look for sessions that wait for the table: %s", e.getMessage());
        }
    }

    /**
     * A session that waits for a lock on the table, if this lock will keep writers out. Writers queue up behind such a
     * session.
     */
    private Optional<String> waiting(long tableOid) {
        return database.ask(QUERY_TIMEOUT, session -> session.first("""
                select format('gives way to process %s, which waits for %s on the table', l.pid, l.mode)
                from pg_locks l
                where not l.granted and l.locktype = 'relation' and l.relation = ?::oid
                  and l.database = (select d.oid from pg_database d where d.datname = current_database())
                  and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
                limit 1
                """, row -> row.getString(1), tableOid));
    }
}
