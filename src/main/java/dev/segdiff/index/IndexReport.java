package dev.segdiff.index;

import dev.segdiff.db.TableName;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.OffsetDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What there is to know about the health of tables and indexes.
 *
 * @param measuring how bloat was found: by statistics, or confirmed by pgstatindex
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
    /**
     * A table as statistics know it.
     *
     * @param bytes of its rows, without indexes
     * @param totalBytes with indexes and what is kept elsewhere
     * @param frozenAge transactions since its oldest row that is not frozen
     * @param settings its own storage parameters
     * @param unusual what a person should look at; null: nothing
     */
    @RegisterForReflection
    public record TableState(
            TableName table,
            long bytes,
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
            @Nullable String unusual) {}

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
