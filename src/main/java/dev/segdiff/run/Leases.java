package dev.segdiff.run;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Settings;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;

/** Who may run an exclusive job. All times are the database's. */
@ApplicationScoped
public class Leases {
    /** A batch of the same worker holds the row while it works; it is shorter than this. */
    private static final Duration RENEWAL_TIMEOUT = Duration.ofSeconds(3);

    private static final Duration POLL = Duration.ofMillis(200);

    private static final String HOLDER =
            "format('%s (run %s, since %s)', holder, run_id, to_char(taken_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SSZ'))";

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
     * Takes the lease if nobody has it. One that is held is watched: its holder renews it, and keeps it; or was killed,
     * and it expires. So whoever starts a job again after a kill need not start it twice.
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
                    new Cancellation(),
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
                // A transaction of the holder is under way.
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The holder and since when, for people. */
    String holder(String job) {
        return database.transaction(session -> session.first(
                        "select " + HOLDER + " from segdiff.leases where job = ?", row -> row.getString(1), job)
                .orElse("another worker"));
    }

    /** The holder and since when, for people; empty if nobody holds the lease now. */
    Optional<String> present(String job) {
        return database.transaction(session -> session.first(
                "select " + HOLDER + " from segdiff.leases where job = ? and expires_at > clock_timestamp()",
                row -> row.getString(1),
                job));
    }

    /** Whether the lease is still ours; if so, it lasts anew. */
    boolean renew(Lease lease) {
        return database.transaction(
                bounds().lockTimeout(RENEWAL_TIMEOUT),
                new Cancellation(),
                session -> session.update("""
                        update segdiff.leases set expires_at = clock_timestamp() + make_interval(secs => ?)
                        where job = ? and token = ? and expires_at > clock_timestamp()
                        """, lease.duration().toMillis() / 1000.0, lease.job(), lease.token()) == 1);
    }

    /** The next worker need not wait for the lease to expire. */
    void release(Lease lease) {
        database.transaction(
                bounds(),
                new Cancellation(),
                session -> session.update(
                        "update segdiff.leases set expires_at = clock_timestamp() where job = ? and token = ?",
                        lease.job(),
                        lease.token()));
    }

    /** Whoever is cut off while it changes the row does not keep it for longer than the lease. */
    private Settings bounds() {
        return database.defaults().idleTimeout(config.leaseDuration());
    }
}
