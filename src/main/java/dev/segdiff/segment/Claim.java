package dev.segdiff.segment;

import dev.segdiff.db.TableName;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A segment that this transaction holds, as it stands.
 *
 * @param source the relation to read; null for an upload segment
 * @param filters which of the columns customer_id and segment_id the source has
 * @param currentVersion null before the first version
 * @param contacts members of the current version
 * @param snapshotExists whether the snapshot table of the current version is there
 * @param nextVersion the version to publish
 */
record Claim(
        SegmentKey key,
        @Nullable String source,
        List<String> filters,
        @Nullable Long currentVersion,
        long contacts,
        boolean snapshotExists,
        long nextVersion) {
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
