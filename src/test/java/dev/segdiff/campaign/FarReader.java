package dev.segdiff.campaign;

import dev.segdiff.support.TestDatabase;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Somebody outside of the database who has read versions and remembers their numbers. Segment-diff does not wait for
 * the disk after each of them, so that a server that is killed may lose some; but no number may come again for another.
 */
final class FarReader {
    private final TestDatabase db;

    /** Of which segment and day a version is. */
    private final Map<Long, String> read = new HashMap<>();

    FarReader(TestDatabase db) {
        this.db = db;
    }

    void read() {
        read.putAll(versions());
    }

    List<Long> versionsThatCameAgain() {
        return versions().entrySet().stream()
                .filter(present -> !present.getValue().equals(read.getOrDefault(present.getKey(), present.getValue())))
                .map(Map.Entry::getKey)
                .toList();
    }

    private Map<Long, String> versions() {
        return db
                .rows("select version, segment_id || ' of ' || day from segdiff.segment_versions where customer_id = 7")
                .stream()
                .map(row -> row.split("\\|"))
                .collect(Collectors.toMap(row -> Long.valueOf(row[0]), row -> row[1]));
    }
}
