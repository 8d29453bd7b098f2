package dev.segdiff.index;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.index.IndexReport.TableState;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Comparator;
import java.util.List;

/** Makes the report on the health of tables and indexes. */
@ApplicationScoped
public class IndexReporter {
    private final Database database;
    private final IndexQueries indexes;
    private final ReportQueries queries;
    private final Pgstattuple pgstattuple;
    private final BloatMeter meter;

    IndexReporter(
            Database database, IndexQueries indexes, ReportQueries queries, Pgstattuple pgstattuple, BloatMeter meter) {
        this.database = database;
        this.indexes = indexes;
        this.queries = queries;
        this.pgstattuple = pgstattuple;
        this.meter = meter;
    }

    /** The indexes that a person should look at first, from what is known without reading them. */
    public List<IndexState> worst(int limit) {
        return database.transaction(indexes::all).stream()
                .sorted(Comparator.comparing(IndexState::valid))
                .limit(limit)
                .toList();
    }

    /** Makes the whole report. It reads only the tables and indexes that statistics suspect or know nothing about. */
    public IndexReport read() {
        Cancellation cancellation = new Cancellation();
        List<IndexState> states = database.transaction(indexes::all).stream()
                .map(index -> meter.isWorthIt(index) ? meter.measured(index, cancellation) : index)
                .sorted(IndexState.MOST_WASTEFUL_FIRST)
                .toList();
        String measuring = database.transaction(pgstattuple::isThere)
                ? "by statistics; what these suspect, by pgstattuple"
                : "by statistics, as the extension pgstattuple is not there or not ours to use";
        IndexReport known = database.transaction(session -> new IndexReport(
                measuring,
                states,
                queries.tables(session),
                queries.catalogs(session),
                queries.settings(session),
                queries.holders(session)));
        return known.with(measured(known.tables()), measured(known.catalogs()));
    }

    private List<TableState> measured(List<TableState> tables) {
        return tables.stream()
                .map(table -> meter.isWorthIt(table) ? meter.measured(table) : table)
                .toList();
    }
}
