package dev.segdiff.index;

import dev.segdiff.db.Database;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Comparator;
import java.util.List;

/** Makes the report. */
@ApplicationScoped
public class IndexReporter {
    private final Database database;
    private final IndexQueries indexes;
    private final ReportQueries queries;
    private final IndexMeter meter;

    IndexReporter(Database database, IndexQueries indexes, ReportQueries queries, IndexMeter meter) {
        this.database = database;
        this.indexes = indexes;
        this.queries = queries;
        this.meter = meter;
    }

    /** The indexes that a person should look at first, by what is known without reading them. */
    public List<IndexState> worst(int limit) {
        return database.transaction(indexes::all).stream()
                .sorted(Comparator.comparing(IndexState::valid))
                .limit(limit)
                .toList();
    }

    /** Looks at everything; reads only the indexes that statistics suspect, or know nothing of. */
    public IndexReport read() {
        List<IndexState> states = database.transaction(indexes::all).stream()
                .map(index -> meter.isWorthIt(index) ? meter.measured(index) : index)
                .sorted(Comparator.comparingLong(IndexState::wastedBytes).reversed())
                .toList();
        String measuring = database.transaction(indexes::canMeasure)
                ? "suspected indexes measured by pgstatindex, others by statistics"
                : "by statistics, as the extension pgstattuple is not there or not ours to use";
        return database.transaction(session -> new IndexReport(
                measuring,
                states,
                queries.tables(session),
                queries.catalogs(session),
                queries.settings(session),
                queries.holders(session)));
    }
}
