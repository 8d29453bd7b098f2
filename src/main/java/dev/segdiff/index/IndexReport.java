package dev.segdiff.index;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.segdiff.db.TableName;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.OffsetDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What there is to know about the health of tables and indexes.
 *
 * @param measuring how bloat was found: by statistics, or confirmed by pgstattuple
 * @param indexes the most wasteful first
 * @param tables the largest first
 * @param catalogs the system's own tables that a table for every version passes through
 * @param settings of autovacuum, and what is unusual about them
 * @param holders who keeps dead rows from being removed, the oldest first
 */
@RegisterForReflection
public record IndexReport(
        String measuring,
        List<IndexState> indexes,
        List<TableState> tables,
        List<TableState> catalogs,
        List<Setting> settings,
        List<Holder> holders) {
    IndexReport with(List<TableState> newTables, List<TableState> newCatalogs) {
        return new IndexReport(measuring, indexes, newTables, newCatalogs, settings, holders);
    }

    /**
     * A table as statistics know it.
     *
     * @param bytes of its rows, without indexes
     * @param bloat its pages against those that its rows need in a fresh one; null: unknown
     * @param measured whether pgstattuple has measured that; if not, statistics say so
     * @param totalBytes with indexes and what is kept elsewhere
     * @param frozenAge transactions since its oldest row that is not frozen
     * @param settings its own storage parameters
     * @param unusual what a person should look at; null: nothing
     */
    @RegisterForReflection
    public record TableState(
            TableName table,
            @JsonIgnore long oid,
            long bytes,
            @Nullable Double bloat,
            boolean measured,
            long totalBytes,
            long liveRows,
            long deadRows,
            long changedRows,
            @Nullable OffsetDateTime lastVacuum,
            @Nullable OffsetDateTime lastAutovacuum,
            @Nullable OffsetDateTime lastAnalyze,
            @Nullable OffsetDateTime lastAutoanalyze,
            long frozenAge,
            List<String> settings,
            @Nullable String unusual) {
        /** The same, measured by pgstattuple. */
        TableState measured(double factor) {
            return new TableState(
                    table,
                    oid,
                    bytes,
                    factor,
                    true,
                    totalBytes,
                    liveRows,
                    deadRows,
                    changedRows,
                    lastVacuum,
                    lastAutovacuum,
                    lastAnalyze,
                    lastAutoanalyze,
                    frozenAge,
                    settings,
                    unusual);
        }

        /** What a rewrite would give back; later rows fill it, too. */
        @JsonProperty
        public long wastedBytes() {
            return bloat == null || bloat <= 1 ? 0 : Math.round(bytes * (1 - 1 / bloat));
        }

        /** Whether it may be bloated, or nothing is known of it, and it is not too small to matter. */
        boolean isSuspect(IndexConfig config) {
            return (bloat == null || bloat >= config.bloatThreshold().value())
                    && bytes >= config.minSize().bytes();
        }
    }

    /** @param unusual what a person should look at; null: nothing */
    @RegisterForReflection
    public record Setting(
            String name,
            String value,
            @Nullable String unit,
            @Nullable String unusual) {}

    /**
     * Somebody who may still see rows of long ago.
     *
     * @param kind session, prepared_transaction, replication_slot or standby
     * @param name whom to look for: process and role, or the name
     * @param age transactions since what it may still see
     * @param since when it began, where that is known
     */
    @RegisterForReflection
    public record Holder(
            String kind, String name, long age, @Nullable OffsetDateTime since) {}
}
