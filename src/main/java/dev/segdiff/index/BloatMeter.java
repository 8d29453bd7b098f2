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
    /** Sessions tell what they did once a second, so that whoever uses a table is seen within two. */
    private static final Duration LOOK = Duration.ofSeconds(2);

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

    /**
     * The index with its measured bloat; as it was, if it cannot be measured.
     *
     * @throws CancelledException if the run is to end
     */
    IndexState measured(IndexState index, Cancellation cancellation) {
        return mayRead(index.bytes(), index.tableOid(), cancellation)
                ? measure(session -> pgstattuple.measure(session, index), cancellation, index::measured, index)
                : index;
    }

    /** The table with its measured bloat; as it was, if it cannot be measured. */
    TableState measured(TableState table) {
        Cancellation never = new Cancellation();
        return mayRead(table.bytes(), table.oid(), never)
                ? measure(session -> pgstattuple.measure(session, table), never, table::measured, table)
                : table;
    }

    /** What is large is read only while nobody uses it, who would miss in the cache what was read instead. */
    private boolean mayRead(long bytes, long tableOid, Cancellation cancellation) {
        if (!database.transaction(pgstattuple::isThere)) {
            return false;
        }
        return bytes <= config.measureMaxSize().bytes() || isIdle(tableOid, cancellation);
    }

    private boolean isIdle(long tableOid, Cancellation cancellation) {
        long before = database.transaction(session -> queries.uses(session, tableOid));
        cancellation.sleep(LOOK);
        return database.transaction(
                session -> queries.uses(session, tableOid) == before && !queries.isInUse(session, tableOid));
    }

    private <T> T measure(
            Function<Session, OptionalDouble> read,
            Cancellation cancellation,
            Function<Double, T> measured,
            T unmeasured) {
        Settings patient = database.defaults().statementTimeout(config.statementTimeout());
        try {
            OptionalDouble factor = database.transaction(patient, cancellation, read::apply);
            return factor.isPresent() ? measured.apply(factor.getAsDouble()) : unmeasured;
        } catch (DatabaseException e) {
            if (RunContext.isEndedBy(e)) {
                throw e;
            }
            // It was dropped or is locked: statistics are all there is.
            return unmeasured;
        }
    }
}
