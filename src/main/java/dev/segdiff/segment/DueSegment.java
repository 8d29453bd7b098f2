package dev.segdiff.segment;

import dev.segdiff.db.TableName;
import org.jspecify.annotations.Nullable;

/**
 * A segment and the version to publish, as read before it is claimed.
 *
 * @param source the relation to read; null for an upload segment
 * @param currentVersion null before the first version
 * @param contacts members of the current version
 * @param snapshotExists whether the snapshot table of the current version is there
 * @param unidentified whether that table says nothing of what its rows are known by, for publications
 * @param nextVersion the version to publish
 */
public record DueSegment(
        SegmentKey key,
        @Nullable String source,
        @Nullable Long currentVersion,
        long contacts,
        boolean snapshotExists,
        boolean unidentified,
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
