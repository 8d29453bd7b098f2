package dev.segdiff.index;

import dev.segdiff.db.Session;
import dev.segdiff.run.RunConfig;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.LocalTime;
import java.util.Optional;

/** What must hold before something heavy begins; each answer is the reason why it must not. */
@ApplicationScoped
public class Obstacles {
    /**
     * A rebuild takes its own size three times over for a while: the new index, the sorted entries in temporary files
     * before it is written, and as much WAL.
     */
    private static final int COPIES = 3;

    private final IndexConfig config;
    private final RunConfig runConfig;

    Obstacles(IndexConfig config, RunConfig runConfig) {
        this.config = config;
        this.runConfig = runConfig;
    }

    /** Versions whose concurrent builds miss rows that change meanwhile (bug 17485, mended in 14.4). */
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
     * Two builds would share the disk, whichever database they are in, and in one database wait for each other's
     * transactions. That of a small table elsewhere is over in a moment.
     */
    Optional<String> noBuild(Session session) {
        return session.first("""
                select format('another index is being built: process %s, %s', p.pid,
                              case when p.datname = current_database() then 'table ' || p.relid::regclass else 'database ' || p.datname end)
                from pg_stat_progress_create_index p join pg_stat_activity a using (pid)
                where p.datname = current_database() or a.query_start < now() - interval '2 s'
                order by p.pid limit 1
                """, row -> row.getString(1));
    }

    /** A rebuild waits for whoever has a snapshot, or has used the table, or prepared something. */
    Optional<String> noOldTransaction(Session session, IndexState index) {
        return session.first(
                """
                select format('it would wait for %s, open for %s s', who, round(extract(epoch from now() - since)))
                from (
                    select format('the transaction of process %s', a.pid) as who, a.xact_start as since from pg_stat_activity a
                    where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type not in ('autovacuum worker', 'walsender')
                      and (a.backend_xmin is not null or a.backend_xid is not null
                           or exists (select from pg_locks l where l.pid = a.pid and l.relation = ?::oid))
                    union all
                    select format('the prepared transaction %s', quote_literal(gid)), prepared from pg_prepared_xacts where database = current_database()
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
