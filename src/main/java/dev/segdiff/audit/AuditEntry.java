package dev.segdiff.audit;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.time.OffsetDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A recorded change of a row.
 *
 * @param table its name at that time
 * @param operation {@code INSERT}, {@code UPDATE}, {@code DELETE} or {@code TRUNCATE}
 * @param key the columns of the primary key
 * @param changed the columns whose values differ
 * @param asText the columns whose values are text, as PostgreSQL writes them, whatever their type
 * @param oldRow null if there was none
 * @param newRow null if there is none any more
 * @param who what the application named, or else the database role
 * @param run the run of segdiff that made it
 * @param undoes what it reverted, if it is part of an undo
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
