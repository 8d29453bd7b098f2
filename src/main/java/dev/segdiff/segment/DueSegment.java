package dev.segdiff.segment;

import dev.segdiff.db.TableName;
import org.jspecify.annotations.Nullable;

/**
 * A segment that needs a version, as it was read before a worker claims it.
 *
 * @param source the relation to read; null for an upload segment
 * @param currentVersion the number of the current version; null before the first version
 * @param contacts the number of members of the current version
 * @param snapshotExists whether the snapshot table of the current version exists
 * @param unidentified whether the snapshot table lacks {@code replica identity full}; without it PostgreSQL refuses
 *     deletes from the table under a publication for all tables
 * @param nextVersion the number of the version to publish
 */
record DueSegment(
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
