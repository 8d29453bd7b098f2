package dev.segdiff.index;

import dev.segdiff.db.Database;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Measure;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Finds out whether any index is bloated or invalid, from what is known without reading the indexes. */
@ApplicationScoped
class IndexGoal {
    private static final int MAX_PROBLEMS = 20;
    private static final Duration QUERY_TIMEOUT = Duration.ofSeconds(5);

    private final Database database;
    private final IndexQueries queries;
    private final IndexConfig config;

    IndexGoal(Database database, IndexQueries queries, IndexConfig config) {
        this.database = database;
        this.queries = queries;
        this.config = config;
    }

    Goal read() {
        List<IndexState> indexes = database.ask(QUERY_TIMEOUT, queries::all);
        List<IndexState> bloated =
                indexes.stream().filter(index -> index.isBloated(config)).toList();
        List<IndexState> invalid = indexes.stream()
                .filter(index -> !index.valid() && !index.building())
                .toList();
        List<String> problems = new ArrayList<>();
        bloated.forEach(index -> problems.add("index %s has %.1f times the pages that it needs, %s too many%s"
                .formatted(
                        index.index().plain(),
                        index.bloat(),
                        ByteSize.text(index.wastedBytes()),
                        index.untouchable() == null ? "" : "; " + index.untouchable())));
        invalid.forEach(index -> problems.add(("index %s is invalid: it costs every write and serves nobody;"
                        + " if nobody is about to mend it, `drop index concurrently %s`")
                .formatted(index.index().plain(), index.index().plain())));
        long wasted = indexes.stream().mapToLong(IndexState::wastedBytes).sum();
        return new Goal(
                bloated.isEmpty() && invalid.isEmpty(),
                "%d indexes, %d bloated, %d invalid, %s too much"
                        .formatted(indexes.size(), bloated.size(), invalid.size(), ByteSize.text(wasted)),
                List.of(),
                measures(indexes, bloated.size(), invalid.size(), wasted),
                problems.stream().limit(MAX_PROBLEMS).toList());
    }

    private static List<Measure> measures(List<IndexState> indexes, int bloated, int invalid, long wasted) {
        return List.of(
                Measure.of("indexes", indexes.size(), "Indexes that are looked after."),
                Measure.of(
                        "indexes_size_bytes",
                        indexes.stream().mapToDouble(IndexState::bytes).sum(),
                        "Size of these indexes."),
                Measure.of(
                        "indexes_wasted_bytes",
                        (double) wasted,
                        "Bytes that a rebuild of these indexes would free, by statistics."),
                Measure.of("indexes_bloated", bloated, "Indexes above bloat-threshold."),
                Measure.of("indexes_invalid", invalid, "Invalid indexes that nobody is building."));
    }
}
