package dev.segdiff.run;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Settings;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;

/** Gives leases to workers: the right to run an exclusive job. All times are those of the database's clock. */
@ApplicationScoped
public class Leases {
    /**
     * How long a renewal waits for the row of the lease. A batch of the same worker locks this row while it works: a
     * usual batch takes less than 1 s, and only one of the smallest size may take up to 10 s. A renewal that fails is
     * tried again with the next heartbeat.
     */
    private static final Duration RENEWAL_TIMEOUT = Duration.ofSeconds(3);

    /** How often a waiting worker looks whether the lease is free. */
    private static final Duration POLL = Duration.ofMillis(200);

    private static final String HOLDER = "format('%s (run %s, since %s)', holder, run_id,"
            + " to_char(taken_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SSZ'))";

    private final Database database;
    private final RunConfig config;

    public Leases(Database database, RunConfig config) {
        this.database = database;
        this.config = config;
    }

    /** How long a lease lasts without a renewal. */
    Duration duration() {
        return config.leaseDuration();
    }

    /**
     * Takes the lease of a job if nobody holds it. If another worker holds the lease, this method watches it. Either
     * the holder renews the lease, and then this method returns empty. Or the holder was killed, the lease expires, and
     * this method takes it. So if a worker was killed and a person starts the job again at once, the new run waits for
     * the old lease to expire, and need not be started a second time.
     */
    Optional<Lease> take(String job, String holder, long runId, Cancellation cancellation) {
        Optional<String> seen = Optional.empty();
        while (true) {
            Optional<Lease> lease = attempt(job, holder, runId);
            Optional<String> present = expiry(job);
            boolean renewed = seen.isPresent() && !seen.equals(present);
            if (lease.isPresent() || renewed || cancellation.await(POLL.toMillis())) {
                return lease;
            }
            seen = present;
        }
    }

    private Optional<String> expiry(String job) {
        return database.transaction(session -> session.first(
                "select token || ' ' || expires_at from segdiff.leases where job = ?", row -> row.getString(1), job));
    }

    private Optional<Lease> attempt(String job, String holder, long runId) {
        Duration duration = config.leaseDuration();
        try {
            return database.transaction(
                    bounds(),
                    session -> session.first(
                            """
                    insert into segdiff.leases as l (job, token, holder, run_id, taken_at, expires_at)
                    values (?, 1, ?, ?, clock_timestamp(), clock_timestamp() + make_interval(secs => ?))
                    on conflict (job) do update
                    set token = l.token + 1, holder = excluded.holder, run_id = excluded.run_id,
                        taken_at = excluded.taken_at, expires_at = excluded.expires_at
                    where l.expires_at < clock_timestamp()
                    returning token
                    """,
                            row -> new Lease(job, row.getLong(1), duration),
                            job,
                            holder,
                            runId,
                            duration.toMillis() / 1000.0));
        } catch (DatabaseException e) {
            if (e.isLockTimeout()) {
                // A transaction of the holder has locked the row.
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The holder of the lease and since when, in words. */
    String holder(String job) {
        return database.transaction(session -> session.first(
                        "select " + HOLDER + " from segdiff.leases where job = ?", row -> row.getString(1), job)
                .orElse("another worker"));
    }

    /** The holder of the lease and since when, in words; empty if nobody holds the lease now. */
    Optional<String> present(String job) {
        return database.transaction(session -> session.first(
                "select " + HOLDER + " from segdiff.leases where job = ? and expires_at > clock_timestamp()",
                row -> row.getString(1),
                job));
    }

    /** Renews the lease for another duration; returns false if this worker no longer holds it. */
    boolean renew(Lease lease) {
        return database.transaction(
                bounds().lockTimeout(RENEWAL_TIMEOUT),
                session -> session.update("""
                        update segdiff.leases set expires_at = clock_timestamp() + make_interval(secs => ?)
                        where job = ? and token = ? and expires_at > clock_timestamp()
                        """, lease.duration().toMillis() / 1000.0, lease.job(), lease.token()) == 1);
    }

    /** Gives the lease back, so that the next worker need not wait until it expires. */
    void release(Lease lease) {
        database.transaction(
                bounds(),
                session -> session.update(
                        "update segdiff.leases set expires_at = clock_timestamp() where job = ? and token = ?",
                        lease.job(),
                        lease.token()));
    }

    /**
     * The settings for changes of the lease's row. If a worker is cut off in the middle, PostgreSQL ends its
     * transaction after the duration of the lease, so the row does not stay locked.
     */
    private Settings bounds() {
        return database.defaults().idleTimeout(config.leaseDuration());
    }
}
