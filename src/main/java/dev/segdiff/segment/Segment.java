package dev.segdiff.segment;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import org.jspecify.annotations.Nullable;

/**
 * A registered segment.
 *
 * @param source the relation from which the segment is read; null if its ids are uploaded
 * @param version the current version; null before the first
 * @param day the logical day of that version
 * @param problem why the last attempt has published nothing; null after a success
 */
@RegisterForReflection
public record Segment(
        long customerId,
        long segmentId,
        @Nullable String source,
        @Nullable Long version,
        @Nullable LocalDate day,
        @Nullable Long contacts,
        OffsetDateTime lastUsedAt,
        @Nullable String problem) {}
