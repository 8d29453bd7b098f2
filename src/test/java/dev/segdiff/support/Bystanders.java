package dev.segdiff.support;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Other clients of a pool. They keep its server sessions going round, and each of their transactions looks whether the
 * session that it was given is like a new one.
 */
public final class Bystanders implements AutoCloseable {
    private static final int CLIENTS = 2;

    /** What somebody has left behind in a session; the named settings are the pooler's own affair. */
    private static final String LEFTOVERS = """
            select pg_backend_pid(), array_to_string(array(
                select name || ' = ' || setting from pg_settings
                where source = 'session' and name <> 'transaction_isolation'
                  and name not in ('application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings')
                union all
                select name || ' = ' || current_setting(name, true) from unnest(array['segdiff.run', 'segdiff.actor']) name
                where current_setting(name, true) <> ''
                union all
                select 'prepared statement ' || name from pg_prepared_statements
                union all
                select 'cursor ' || name from pg_cursors where is_holdable
                union all
                select 'advisory lock ' || objid from pg_locks where pid = pg_backend_pid() and locktype = 'advisory'
                union all
                select 'temporary table ' || relname from pg_class where relnamespace = pg_my_temp_schema()), ', ')
            """;

    private final Set<String> sessions = ConcurrentHashMap.newKeySet();
    private final Set<String> leftovers = ConcurrentHashMap.newKeySet();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stopping;

    public Bystanders(PgBouncer pooler) {
        for (int i = 0; i < CLIENTS; i++) {
            Thread thread = new Thread(() -> look(pooler), "bystander-" + i);
            thread.start();
            threads.add(thread);
        }
    }

    private void look(PgBouncer pooler) {
        try (Connection connection = pooler.connect()) {
            while (!stopping) {
                String[] row = TestDatabase.rows(connection, LEFTOVERS).get(0).split("\\|", 2);
                sessions.add(row[0]);
                if (!row[1].isEmpty()) {
                    leftovers.add(row[1]);
                }
                // Nobody waits for anything here; they leave the processor to those who work.
                LockSupport.parkNanos(5_000_000);
            }
        } catch (SQLException e) {
            leftovers.add(e.toString());
        }
    }

    /** Waits until each has looked a last time. */
    @Override
    public void close() {
        stopping = true;
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** The server sessions that they were given. */
    public Set<String> sessions() {
        return sessions;
    }

    /** Whatever was not as in a new session, at any time. */
    public Set<String> leftovers() {
        return leftovers;
    }
}
