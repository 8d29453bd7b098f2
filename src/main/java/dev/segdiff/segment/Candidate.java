package dev.segdiff.segment;

import dev.segdiff.db.TableName;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A segment and the version to publish, as read before it is claimed.
 *
 * @param source the relation to read; null for an upload segment
 * @param columns which of the columns contact_id, customer_id and segment_id the source has, and their types
 * @param currentVersion null before the first version
 * @param contacts members of the current version
 * @param snapshotExists whether the snapshot table of the current version is there
 * @param nextVersion the version to publish
 */
record Candidate(
        SegmentKey key,
        @Nullable String source,
        List<String> columns,
        @Nullable Long currentVersion,
        long contacts,
        boolean snapshotExists,
        long nextVersion) {
    private static final Set<String> INTEGERS = Set.of("bigint", "integer", "smallint");

    /** Whether the source can be read; if not, the database says what is wrong. */
    boolean isSourceFit() {
        return hasColumn("contact_id")
                && columns.stream().allMatch(column -> INTEGERS.contains(column.substring(column.indexOf(' ') + 1)));
    }

    boolean hasColumn(String name) {
        return columns.stream().anyMatch(column -> column.startsWith(name + " "));
    }

    TableName currentSnapshot() {
        if (currentVersion == null) {
            throw new IllegalStateException("segment " + key + " has no version");
        }
        return key.snapshot(currentVersion);
    }

    TableName nextSnapshot() {
        return key.snapshot(nextVersion);
    }
}
