package dev.segdiff.index;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Settings;
import dev.segdiff.run.RunContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.OptionalDouble;

/** Measures an index by reading it, where PostgreSQL has the extension for it and the index is small enough. */
@ApplicationScoped
class IndexMeter {
    private final Database database;
    private final IndexQueries queries;
    private final IndexConfig config;

    IndexMeter(Database database, IndexQueries queries, IndexConfig config) {
        this.database = database;
        this.queries = queries;
        this.config = config;
    }

    /** Whether statistics suspect it, or know nothing of it. */
    boolean isWorthIt(IndexState index) {
        return index.isSuspect(config);
    }

    /** The index with its measured bloat; as it was, if it cannot be measured. */
    IndexState measured(IndexState index) {
        if (index.bytes() > config.measureMaxSize().bytes()) {
            return index;
        }
        Settings patient = database.defaults().statementTimeout(config.statementTimeout());
        try {
            OptionalDouble factor =
                    database.transaction(patient, new Cancellation(), session -> queries.measure(session, index));
            return factor.isPresent() ? index.measured(factor.getAsDouble()) : index;
        } catch (DatabaseException e) {
            if (RunContext.isEndedBy(e)) {
                throw e;
            }
            // It was dropped or is locked: statistics are all there is.
            return index;
        }
    }
}
