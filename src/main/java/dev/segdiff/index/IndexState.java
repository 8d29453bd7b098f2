package dev.segdiff.index;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.segdiff.db.TableName;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The present state of an index.
 *
 * @param bytes the size on the disk
 * @param bloat the number of its pages, divided by that of a fresh index; null: unknown
 * @param estimate the bloat as statistics alone estimate it; {@code bloat} is either this value, corrected by the known
 *     error of earlier estimates, or was measured
 * @param measured whether pgstatindex has measured the bloat; if not, statistics estimate it
 * @param scans how often the index was used since statistics were reset
 * @param lastScan when the index was last used; null: never, or PostgreSQL is older than 16
 * @param constraint whether a constraint needs the index
 * @param building whether an index of the same table is being built now
 * @param duplicateOf an index of the same table that can do all that this one can
 * @param untouchable why segdiff cannot rebuild the index concurrently; null: it can
 * @param rebuiltAt when segdiff last rebuilt the index; null: never
 */
@RegisterForReflection
public record IndexState(
        TableName index,
        TableName table,
        @JsonIgnore long oid,
        @JsonIgnore long tableOid,
        String method,
        long bytes,
        @Nullable Double bloat,
        @JsonIgnore @Nullable Double estimate,
        boolean measured,
        long scans,
        @Nullable OffsetDateTime lastScan,
        boolean valid,
        boolean constraint,
        boolean building,
        @Nullable String duplicateOf,
        @Nullable String untouchable,
        @Nullable OffsetDateTime rebuiltAt) {
    /** The order of all lists: the most wasteful index first, then the largest. */
    static final Comparator<IndexState> MOST_WASTEFUL_FIRST = Comparator.comparingLong(IndexState::wastedBytes)
            .reversed()
            .thenComparing(IndexState::bytes, Comparator.reverseOrder())
            .thenComparing(index -> index.index().plain());

    /** The same index with a bloat that pgstatindex has measured. */
    IndexState measured(double factor) {
        return new IndexState(
                index,
                table,
                oid,
                tableOid,
                method,
                bytes,
                factor,
                estimate,
                true,
                scans,
                lastScan,
                valid,
                constraint,
                building,
                duplicateOf,
                untouchable,
                rebuiltAt);
    }

    /** The bytes that a rebuild would free. */
    @JsonProperty
    public long wastedBytes() {
        return bloat == null || bloat <= 1 ? 0 : Math.round(bytes * (1 - 1 / bloat));
    }

    /**
     * The estimate divided by the real bloat; null: there is no estimate. The real bloat is the measured one, or the
     * {@code known} one if the index was not measured.
     */
    @Nullable
    Double estimateError(double known) {
        double truth = measured && bloat != null ? bloat : known;
        return estimate == null ? null : Double.valueOf(estimate / truth);
    }

    /** What a person should know about the index, in a few words each. */
    public List<String> remarks() {
        List<String> remarks = new ArrayList<>();
        if (!valid) {
            remarks.add(building ? "being built" : "invalid");
        }
        if (duplicateOf != null) {
            remarks.add("duplicate of " + duplicateOf);
        }
        if (valid && scans == 0 && !constraint) {
            remarks.add("never used");
        }
        return remarks;
    }

    /** Whether the index may be bloated: its bloat is large or unknown, and the index is not too small to matter. */
    boolean isSuspect(IndexConfig config) {
        return valid
                && (bloat == null || bloat >= config.bloatThreshold().value())
                && bytes >= config.minSize().bytes();
    }

    boolean isBloated(IndexConfig config) {
        return bloat != null && isSuspect(config);
    }
}
