package dev.segdiff.index;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.CancelledException;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import dev.segdiff.index.IndexReport.TableState;
import dev.segdiff.run.RunContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.OptionalDouble;
import java.util.function.Function;

/** Measures bloat by reading, where PostgreSQL has the extension for it and it hurts nobody. */
@ApplicationScoped
class BloatMeter {
    /** Busy sessions tell what they did once a second, those that use a table now and then later. */
    private static final Duration LOOK = Duration.ofSeconds(2);

    /** What is large is read no longer than this: vacuum can remove nothing meanwhile that is younger than the read. */
    private static final Duration LONGEST = Duration.ofMinutes(10);

    private final Database database;
    private final IndexQueries queries;
    private final Pgstattuple pgstattuple;
    private final IndexConfig config;

    BloatMeter(Database database, IndexQueries queries, Pgstattuple pgstattuple, IndexConfig config) {
        this.database = database;
        this.queries = queries;
        this.pgstattuple = pgstattuple;
        this.config = config;
    }

    /** Whether statistics suspect it, or know nothing of it. */
    boolean isWorthIt(IndexState index) {
        return index.isSuspect(config);
    }

    boolean isWorthIt(TableState table) {
        return table.isSuspect(config);
    }

    /** Whether to read it would hurt whoever uses it, and takes long. */
    boolean isLarge(IndexState index) {
        return isLarge(index.bytes());
    }

    /**
     * The index with its measured bloat; as it was, if it cannot be measured.
     *
     * @throws CancelledException if the run is to end
     */
    IndexState measured(IndexState index, Cancellation cancellation) {
        return index.method().equals("btree")
                ? measure(
                        index.bytes(),
                        index.tableOid(),
                        session -> pgstattuple.measure(session, index),
                        cancellation,
                        index::measured,
                        index)
                : index;
    }

    /** The table with its measured bloat; as it was, if it cannot be measured. */
    TableState measured(TableState table) {
        return measure(
                table.bytes(),
                table.oid(),
                session -> pgstattuple.measure(session, table),
                new Cancellation(),
                table::measured,
                table);
    }

    private <T> T measure(
            long bytes,
            long tableOid,
            Function<Session, OptionalDouble> read,
            Cancellation cancellation,
            Function<Double, T> measured,
            T unmeasured) {
        try {
            if (!database.transaction(pgstattuple::isThere) || (isLarge(bytes) && !isIdle(tableOid, cancellation))) {
                return unmeasured;
            }
            OptionalDouble factor = database.transaction(bounds(bytes), cancellation, read::apply);
            return factor.isPresent() ? measured.apply(factor.getAsDouble()) : unmeasured;
        } catch (DatabaseException e) {
            if (RunContext.isEndedBy(e)) {
                throw e;
            }
            // It was dropped, is locked, or takes too long: statistics are all there is.
            return unmeasured;
        }
    }

    private Settings bounds(long bytes) {
        Duration longest = config.statementTimeout();
        return database.defaults()
                .statementTimeout(isLarge(bytes) && longest.compareTo(LONGEST) > 0 ? LONGEST : longest);
    }

    private boolean isLarge(long bytes) {
        return bytes > config.measureMaxSize().bytes();
    }

    /** Whoever would use it meanwhile would miss in the cache what was read instead. */
    private boolean isIdle(long tableOid, Cancellation cancellation) {
        long before = database.transaction(session -> queries.uses(session, tableOid));
        cancellation.sleep(LOOK);
        return database.transaction(
                session -> queries.uses(session, tableOid) == before && !queries.isInUse(session, tableOid));
    }
}
