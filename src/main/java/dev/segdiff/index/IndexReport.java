package dev.segdiff.index;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.segdiff.db.TableName;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.OffsetDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The report on the health of tables and indexes.
 *
 * @param measuring how bloat was found: by statistics, or confirmed by pgstattuple
 * @param indexes the indexes, the most wasteful first
 * @param tables the tables, the largest first
 * @param catalogs the system's own tables that get rows whenever a table is made, and segdiff makes many
 * @param settings the settings of autovacuum, and what is unusual about them
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
     * A table, as statistics know it.
     *
     * @param bytes the size of its rows, without indexes
     * @param bloat the number of its pages, divided by the number that its rows need in a fresh table; null: unknown
     * @param measured whether pgstattuple has measured the bloat; if not, statistics estimate it
     * @param totalBytes the size with indexes and with values that are kept elsewhere (TOAST)
     * @param frozenAge the number of transactions since its oldest row that is not frozen
     * @param settings the table's own storage parameters
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
        /** The same table with a bloat that pgstattuple has measured. */
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

        /** The bytes that a rewrite would free. Without a rewrite, later rows fill them. */
        @JsonProperty
        public long wastedBytes() {
            return bloat == null || bloat <= 1 ? 0 : Math.round(bytes * (1 - 1 / bloat));
        }

        /**
         * Whether the table may be bloated: its bloat is large or unknown, and the table is not too small to matter.
         */
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
     * Somebody who may still see old rows, so that vacuum cannot remove them.
     *
     * @param kind session, prepared_transaction, replication_slot or standby
     * @param name the name to look for: process and role of a session, or the name of the others
     * @param age the number of transactions since the oldest rows that it may still see
     * @param since when it began; null: unknown
     */
    @RegisterForReflection
    public record Holder(
            String kind, String name, long age, @Nullable OffsetDateTime since) {}
}
