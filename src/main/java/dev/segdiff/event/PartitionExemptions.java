package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.db.TableName;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.OffsetDateTime;
import java.util.List;

/**
 * The partitions that an undo has put back. They stay although they have expired, until a person ends the exemption.
 */
@ApplicationScoped
public class PartitionExemptions {
    /** A partition that is exempt from its policy, and who put it back. */
    @RegisterForReflection
    public record Exemption(TableName partition, String policy, OffsetDateTime exemptedAt, String exemptedBy) {}

    private final Database database;

    public PartitionExemptions(Database database) {
        this.database = database;
    }

    public List<Exemption> list() {
        return database.transaction(session -> session.list(
                """
                select n.nspname, c.relname, e.policy, e.exempted_at, e.exempted_by
                from segdiff.exempt_partitions e
                join pg_class c on c.oid = e.relation
                join pg_namespace n on n.oid = c.relnamespace
                order by n.nspname, c.relname
                """,
                row -> new Exemption(
                        new TableName(row.getString("nspname"), row.getString("relname")),
                        row.getString("policy"),
                        row.getObject("exempted_at", OffsetDateTime.class),
                        row.getString("exempted_by"))));
    }

    /**
     * Ends the exemption: from the next run on, the partition expires like any other. Returns false if the partition
     * was not exempt.
     */
    public boolean end(TableName partition) {
        return database.transaction(session -> session.update(
                        "delete from segdiff.exempt_partitions where relation = to_regclass(?)", partition.toString())
                > 0);
    }
}
