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
 * A statement that holds a table for long: a rebuild, a vacuum. Readers and writers go on beside it; whoever wants to lock
 * them out waits for it, and they wait behind him. So it is watched, and gives way, as autovacuum does.
 */
@ApplicationScoped
public class LongStatement {
    private static final Logger LOG = Logger.getLogger(LongStatement.class);

    /** Seen within a quarter of a second and cancelled, it has been in the way for less than half of one. */
    private static final long WATCH_MILLIS = 250;

    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final Database database;

    public LongStatement(Database database) {
        this.database = database;
    }

    /** The bounds of such a statement; it ends within a second when its worker has died, and nobody watches any more. */
    public Settings settings(Duration statementTimeout, Duration lockTimeout) {
        Settings bounded = Settings.bounded(statementTimeout, lockTimeout);
        boolean canCheck = database.transaction(
                session -> session.one("select version() like '%linux%'", row -> row.getBoolean(1)));
        return canCheck ? bounded.with("client_connection_check_interval", "1s") : bounded;
    }

    /**
     * Runs it to its end, or until somebody waits for it.
     *
     * @param tableOid the table that it holds
     * @param watched is called every now and then while it runs
     * @return whom it gave way to; empty if it is done
     * @throws CancelledException if the run is to end
     */
    public Optional<String> run(RunContext run, Settings settings, long tableOid, String sql, Runnable watched) {
        run.cancellation().check();
        Cancellation cancellation = new Cancellation();
        CountDownLatch ended = new CountDownLatch(1);
        Thread watcher =
                new Thread(() -> watch(run, cancellation, ended, tableOid, watched), "segdiff-watch-" + run.runId());
        watcher.setDaemon(true);
        watcher.start();
        try {
            database.outsideTransaction(settings, cancellation, sql);
            return Optional.empty();
        } catch (CancelledException e) {
            run.cancellation().check();
            return Optional.of(String.valueOf(e.getMessage()));
        } finally {
            ended.countDown();
        }
    }

    private void watch(RunContext run, Cancellation statement, CountDownLatch ended, long tableOid, Runnable watched) {
        try {
            while (!ended.await(WATCH_MILLIS, TimeUnit.MILLISECONDS)) {
                String why = run.cancellation().reason();
                if (why != null) {
                    statement.request(why);
                    return;
                }
                look(statement, tableOid, watched);
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
            // The next look may do better; the statement has its own timeout.
            LOG.warnf("cannot see who waits: %s", e.getMessage());
        }
    }

    /** Whoever waits for a lock that keeps writers out, as they queue up behind him. */
    private Optional<String> waiting(long tableOid) {
        Settings impatient = database.defaults().statementTimeout(PATIENCE);
        return database.transaction(
                impatient, new Cancellation(), session -> session.first("""
                select format('gives way to process %s, which waits for %s on the table', l.pid, l.mode)
                from pg_locks l
                where not l.granted and l.locktype = 'relation' and l.relation = ?::oid
                  and l.database = (select d.oid from pg_database d where d.datname = current_database())
                  and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
                limit 1
                """, row -> row.getString(1), tableOid));
    }
}
