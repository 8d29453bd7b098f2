package dev.segdiff.audit;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.OffsetDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A recorded change of a row.
 *
 * @param table the name of the table at that time
 * @param operation {@code INSERT}, {@code UPDATE}, {@code DELETE} or {@code TRUNCATE}
 * @param key the columns of the primary key with their values
 * @param changed the columns whose values differ
 * @param asText the columns whose values are text, as PostgreSQL writes them, whatever their type
 * @param oldRow the row before the change; null if there was none
 * @param newRow the row after the change; null if there is none any more
 * @param who the person that the application named, or the database role if it named none
 * @param run the run of segdiff that made the change; null: the change was not made by segdiff
 * @param undoes what the change has taken back; null: the change is not part of an undo
 */
@RegisterForReflection
public record AuditEntry(
        long id,
        OffsetDateTime changedAt,
        String table,
        String operation,
        JsonNode key,
        List<String> changed,
        List<String> asText,
        @Nullable JsonNode oldRow,
        @Nullable JsonNode newRow,
        long transaction,
        String who,
        String role,
        @Nullable String application,
        @Nullable Long run,
        @Nullable String undoes) {}
