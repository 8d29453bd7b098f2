package dev.segdiff.index;

import dev.segdiff.db.Session;
import dev.segdiff.run.RunConfig;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.LocalTime;
import java.util.Optional;

/**
 * Finds out whether something stands in the way of a rebuild or a vacuum. Each method returns the reason not to begin;
 * empty if there is none.
 */
@ApplicationScoped
class Obstacles {
    /**
     * How many times the size of the fresh index a rebuild takes on the disk for a while: once for the new index, once
     * for the sorted entries in temporary files, and once for the WAL.
     */
    private static final int COPIES = 3;

    private final IndexConfig config;
    private final RunConfig runConfig;

    Obstacles(IndexConfig config, RunConfig runConfig) {
        this.config = config;
        this.runConfig = runConfig;
    }

    /**
     * Whether concurrent builds of this PostgreSQL version miss rows that change meanwhile: 14.0 to 14.3 do (bug 17485,
     * fixed in 14.4).
     */
    static boolean corrupts(int serverVersion) {
        return serverVersion >= 140_000 && serverVersion < 140_004;
    }

    Optional<String> version(Session session) {
        int version = session.one("select current_setting('server_version_num')::int", row -> row.getInt(1));
        return corrupts(version)
                ? Optional.of("the server is PostgreSQL 14." + version % 10_000
                        + ", which corrupts indexes that are built concurrently: upgrade it to 14.4 or newer")
                : Optional.empty();
    }

    Optional<String> window(Session session) {
        String zone = runConfig.timeZone().getId();
        LocalTime now =
                session.one("select (now() at time zone ?)::time(0)", row -> row.getObject(1, LocalTime.class), zone);
        return config.window().isOpen(now)
                ? Optional.empty()
                : Optional.of("it is " + now + " in " + zone + ", outside of segdiff.index.window " + config.window());
    }

    /**
     * The reason not to begin if another index is being built. Two builds would compete for the disk, even in different
     * databases. In one database they would also wait for each other's transactions. A build in another database counts
     * only after 2 s, because that of a small table is over in a moment.
     */
    Optional<String> noBuild(Session session) {
        return session.first("""
                select format('another index is being built: process %s, %s', p.pid,
                              case when p.datname = current_database() then 'table ' || p.relid::regclass
                                  else 'database ' || p.datname end)
                from pg_stat_progress_create_index p join pg_stat_activity a using (pid)
                where p.datname = current_database() or a.query_start < now() - interval '2 s'
                order by p.pid limit 1
                """, row -> row.getString(1));
    }

    /**
     * The reason not to begin if a transaction is so old that a rebuild should not wait for it.
     * {@code reindex concurrently} waits for every transaction with an open snapshot, for those that have used this
     * table, and for prepared transactions. If one of them has been open for longer than max-wait, the rebuild does not
     * start.
     */
    Optional<String> noOldTransaction(Session session, IndexState index) {
        return session.first(
                """
                select format('it would wait for %s, open for %s s', who, round(extract(epoch from now() - since)))
                from (
                    select format('the transaction of process %s', a.pid) as who, a.xact_start as since
                    from pg_stat_activity a
                    where a.datname = current_database() and a.pid <> pg_backend_pid()
                      and a.backend_type not in ('autovacuum worker', 'walsender')
                      and (a.backend_xmin is not null or a.backend_xid is not null
                           or exists (select from pg_locks l where l.pid = a.pid and l.relation = ?::oid))
                    union all
                    select format('the prepared transaction %s', quote_literal(gid)), prepared
                    from pg_prepared_xacts where database = current_database()
                ) old
                where since < now() - make_interval(secs => ?)
                order by since limit 1
                """, row -> row.getString(1), index.tableOid(), config.maxWait().toSeconds());
    }

    Optional<String> room(IndexState index) {
        double fresh = index.bytes() / Math.max(1, index.bloat() == null ? 1 : index.bloat());
        long needed = Math.round(fresh * COPIES);
        return needed <= config.diskSpace().bytes()
                ? Optional.empty()
                : Optional.of("it may take " + ByteSize.text(needed)
                        + " on the disk for a while, more than segdiff.index.disk-space " + config.diskSpace());
    }
}
