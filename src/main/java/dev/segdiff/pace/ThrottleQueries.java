package dev.segdiff.pace;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Settings;
import dev.segdiff.run.WaitCause;
import dev.segdiff.run.WaitReason;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;

/** The SQL that asks PostgreSQL whether the application, its standbys or the WAL archiver are under pressure. */
@ApplicationScoped
public class ThrottleQueries {
    /**
     * The time limit of the operator's query segdiff.throttle.query. The query runs once a second, so a query that
     * takes longer than 2 s would be a load itself.
     */
    private static final Duration QUERY_TIMEOUT = Duration.ofSeconds(2);

    private final Database database;
    private final ThrottleConfig config;

    public ThrottleQueries(Database database, ThrottleConfig config) {
        this.database = database;
        this.config = config;
    }

    /** A reason to wait; empty if there is none. */
    Optional<WaitReason> reason() {
        Optional<WaitReason> server = serverReason();
        return server.isPresent() ? server : operatorReason();
    }

    /** The error of the operator's query; empty if the query works, or fails only for the moment. */
    Optional<String> fault() {
        try {
            ask();
            return Optional.empty();
        } catch (DatabaseException e) {
            return e.isTransient() || e.isCancelled()
                    ? Optional.empty()
                    : Optional.of("segdiff.throttle.query fails: " + e.getMessage());
        }
    }

    /**
     * A reason to wait that the server itself shows. Without pg_monitor the role does not see the lag in
     * pg_stat_replication, and then the lag is no reason.
     */
    private Optional<WaitReason> serverReason() {
        return database.transaction(session -> session.first(
                """
                select 'REPLICATION_LAG', format('replication lag: %s replays %s s late',
                                                 application_name, round(extract(epoch from replay_lag)))
                from pg_stat_replication where replay_lag > make_interval(secs => ?)
                union all
                select 'WAL_ARCHIVER', format('WAL archiver: %s files behind', files)
                from segdiff.unarchived_wal_files() files where files > ?
                limit 1
                """,
                row -> new WaitReason(WaitCause.valueOf(row.getString(1)), row.getString(2)),
                config.maxReplicationLag().toMillis() / 1000.0,
                config.maxUnarchivedWalFiles()));
    }

    private Optional<WaitReason> operatorReason() {
        try {
            return ask()
                    ? Optional.of(new WaitReason(WaitCause.QUERY, "segdiff.throttle.query says so"))
                    : Optional.empty();
        } catch (DatabaseException e) {
            if (e.isLostConnection()) {
                throw e;
            }
            return Optional.of(new WaitReason(WaitCause.QUERY, "segdiff.throttle.query fails: " + e.getMessage()));
        }
    }

    private boolean ask() {
        if (config.query().isEmpty()) {
            return false;
        }
        Settings reading = database.defaults().statementTimeout(QUERY_TIMEOUT).with("transaction_read_only", "on");
        return database.transaction(
                reading, session -> session.first(config.query().get(), row -> row.getBoolean(1))
                        .orElse(false));
    }
}
