package dev.segdiff.segment;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.run.RunContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.LocalDate;

/** Takes away the diffs that are older than their retention, and the versions to which the diffs belong. */
@ApplicationScoped
class DiffRetention {
    /**
     * How many versions one statement deletes. Their rows have about 100 bytes, so a statement takes some tens of
     * milliseconds.
     */
    private static final int BATCH = 10_000;

    private final Database database;
    private final DiffPartitions partitions;
    private final SegmentsConfig config;

    DiffRetention(Database database, DiffPartitions partitions, SegmentsConfig config) {
        this.database = database;
        this.partitions = partitions;
        this.config = config;
    }

    /** Takes away what is too old on the day of the run. Diffs that somebody reads are left to the next run. */
    void apply(RunContext run) {
        Duration retention = config.diffRetention();
        try {
            long dropped = dropBefore(run.request().day().minusDays(retention.toDays()), retention);
            run.counts().add("partitions_dropped", dropped);
        } catch (DatabaseException e) {
            if (e.isLockTimeout()) {
                run.problem("old diffs are being read; the next run drops them");
            } else if (e.sqlState().equals(DiffPartitions.NOT_REPLACED)) {
                run.problem(String.valueOf(e.getMessage()));
            } else {
                throw e;
            }
        }
    }

    /**
     * Deletes the versions that are older than this day, and drops the partitions that end before it. The newest of the
     * old versions of a segment stays, because the retained diffs start from it.
     *
     * @param retention the retention that the database subtracts from its own date, taken in the most advanced time
     *     zone: nothing younger goes, even if {@code horizon} is wrong
     * @return the number of partitions dropped
     */
    long dropBefore(LocalDate horizon, Duration retention) {
        while (deleteVersions(horizon, retention) == BATCH) {
            // The statement has deleted as many versions as it may. The next one deletes the rest.
        }
        return partitions.dropBefore(horizon, retention);
    }

    private long deleteVersions(LocalDate horizon, Duration retention) {
        return database.transaction(session ->
                session.update("""
                delete from segdiff.segment_versions where version in (
                    select v.version from segdiff.segment_versions v
                    where v.day < ? and v.day < %s and exists (
                        select from segdiff.segment_versions newer
                        where newer.customer_id = v.customer_id and newer.segment_id = v.segment_id
                          and newer.version > v.version and newer.day < ?)
                    order by v.version limit ? for update skip locked)
                """.formatted(DiffPartitions.OLDEST_KEPT), horizon, retention.toDays(), horizon, BATCH));
    }
}
