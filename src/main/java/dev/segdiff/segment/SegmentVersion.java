package dev.segdiff.segment;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.LocalDate;
import java.time.OffsetDateTime;

/**
 * A published version.
 *
 * @param baseline it has no diffs; whoever comes from an earlier one reads the snapshot
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
