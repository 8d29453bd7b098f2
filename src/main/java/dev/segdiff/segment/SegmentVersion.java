package dev.segdiff.segment;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.LocalDate;
import java.time.OffsetDateTime;

/**
 * A published version.
 *
 * @param baseline whether the version has no diffs, so that readers of an earlier version get all members
 */
@RegisterForReflection
public record SegmentVersion(
        long version,
        LocalDate day,
        long contacts,
        long added,
        long removed,
        boolean baseline,
        OffsetDateTime publishedAt) {}
