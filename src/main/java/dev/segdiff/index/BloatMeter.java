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

/**
 * Measures the bloat of an index or a table by reading it with the extension pgstattuple, where the extension is
 * installed and the reading disturbs nobody.
 */
@ApplicationScoped
class BloatMeter {
    /**
     * How long segdiff watches whether anybody uses a table. PostgreSQL counts the use of a table in its statistics. A
     * busy session updates the statistics once a second, so its use shows within this time. A session that is used only
     * now and then may update them later.
     */
    private static final Duration LOOK = Duration.ofSeconds(2);

    /**
     * The longest time for which a large index or table is read. While it is read, vacuum cannot remove rows that died
     * after the reading began.
     */
    private static final Duration MAX_DURATION = Duration.ofMinutes(10);

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

    /** Whether the index is worth a measurement: statistics suspect bloat, or know nothing about the index. */
    boolean isWorthIt(IndexState index) {
        return index.isSuspect(config);
    }

    boolean isWorthIt(TableState table) {
        return table.isSuspect(config);
    }

    /** Whether the index is so large that reading it takes long and would slow down the sessions that use it. */
    boolean isLarge(IndexState index) {
        return isLarge(index.bytes());
    }

    /**
     * The index with its measured bloat; the unchanged index, if it cannot be measured.
     *
     * @throws CancelledException if the run is to end
     */
    IndexState measured(IndexState index, Cancellation cancellation) {
        if (!index.method().equals("btree")) {
            return index;
        }
        OptionalDouble factor =
                factor(index.bytes(), index.tableOid(), session -> pgstattuple.measure(session, index), cancellation);
        return factor.isPresent() ? index.measured(factor.getAsDouble()) : index;
    }

    /** The table with its measured bloat; the unchanged table, if it cannot be measured. */
    TableState measured(TableState table) {
        OptionalDouble factor =
                factor(table.bytes(), table.oid(), session -> pgstattuple.measure(session, table), new Cancellation());
        return factor.isPresent() ? table.measured(factor.getAsDouble()) : table;
    }

    private OptionalDouble factor(
            long bytes, long tableOid, Function<Session, OptionalDouble> read, Cancellation cancellation) {
        try {
            if (!database.transaction(pgstattuple::isThere) || (isLarge(bytes) && !isIdle(tableOid, cancellation))) {
                return OptionalDouble.empty();
            }
            return database.transaction(bounds(bytes), cancellation, read);
        } catch (DatabaseException e) {
            if (RunContext.isEndedBy(e)) {
                throw e;
            }
            // The index or table was dropped, is locked, or takes too long to read: only the estimate is left.
            return OptionalDouble.empty();
        }
    }

    private Settings bounds(long bytes) {
        Duration longest = config.statementTimeout();
        return database.defaults()
                .statementTimeout(isLarge(bytes) && longest.compareTo(MAX_DURATION) > 0 ? MAX_DURATION : longest);
    }

    private boolean isLarge(long bytes) {
        return bytes > config.measureMaxSize().bytes();
    }

    /**
     * Whether nobody uses the table now. The reading fills the cache, so other sessions would not find their own pages
     * in it any more.
     */
    private boolean isIdle(long tableOid, Cancellation cancellation) {
        long before = database.transaction(session -> queries.uses(session, tableOid));
        cancellation.sleep(LOOK);
        return database.transaction(
                session -> queries.uses(session, tableOid) == before && !queries.isInUse(session, tableOid));
    }
}
