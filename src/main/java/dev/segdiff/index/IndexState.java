package dev.segdiff.index;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.segdiff.db.TableName;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An index as it is now.
 *
 * @param bytes on the disk
 * @param bloat its pages against those of a fresh one; null: unknown
 * @param estimate what statistics alone say of that; bloat is corrected by what they said of the last fresh index
 * @param measured whether pgstatindex has measured that; if not, statistics say so
 * @param scans since statistics were reset
 * @param lastScan null: never, or PostgreSQL is older than 16
 * @param constraint whether a constraint needs it
 * @param building whether an index of its table is being built
 * @param duplicateOf an index of the same table that can do all that this one can
 * @param untouchable why it cannot be rebuilt concurrently by segdiff; null: it can
 * @param rebuiltAt by segdiff
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
    /** The same, measured by pgstatindex. */
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

    /** What a rebuild would give back. */
    @JsonProperty
    public long wastedBytes() {
        return bloat == null || bloat <= 1 ? 0 : Math.round(bytes * (1 - 1 / bloat));
    }

    /** What statistics say, against what was measured or is known of it otherwise; null: they say nothing. */
    @Nullable
    Double estimateError(double known) {
        double truth = measured && bloat != null ? bloat : known;
        return estimate == null ? null : Double.valueOf(estimate / truth);
    }

    /** What a person should know of it, in a few words each. */
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

    /** Whether it may be bloated, or nothing is known of it, and it is not too small to matter. */
    boolean isSuspect(IndexConfig config) {
        return valid
                && (bloat == null || bloat >= config.bloatThreshold().value())
                && bytes >= config.minSize().bytes();
    }

    boolean isBloated(IndexConfig config) {
        return bloat != null && isSuspect(config);
    }
}
