package dev.segdiff.partitioning;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What moving a table to partitions would mean.
 *
 * @param table the table, such as app.event
 * @param by how it is to be partitioned, such as range(created_at) month
 * @param faults why the table itself cannot be partitioned so; empty: it can
 * @param objects what becomes of each object that hangs on the table
 */
@RegisterForReflection
public record PartitioningPlan(String table, String by, List<String> faults, List<Verdict> objects, Estimate estimate) {
    /**
     * What becomes of one object.
     *
     * @param kind such as "primary key"
     * @param why the reason, and what a person can do; empty if there is nothing to say
     */
    @RegisterForReflection
    public record Verdict(String kind, String name, Treatment treatment, String why) {}

    /**
     * The cost of the move, from statistics and from reading a sample of the table. Null: unknown.
     *
     * @param partitions how many partitions the rows of today need, and the two that are made ahead
     * @param rows as the last VACUUM or ANALYZE counted them
     * @param diskBytes what the partitioned copy takes beside the original
     * @param walBytes the WAL of filling the copy, without images of full pages
     * @param fillSeconds how long filling takes if nothing makes it wait
     * @param verifySeconds how long one comparison of both sides takes
     * @param writesPerSecond the inserted, updated and deleted rows, each of which is written twice until the swap
     */
    @RegisterForReflection
    public record Estimate(
            @Nullable Long partitions,
            @Nullable Long rows,
            @Nullable Long diskBytes,
            @Nullable Long walBytes,
            @Nullable Long fillSeconds,
            @Nullable Long verifySeconds,
            @Nullable Double writesPerSecond) {}

    /** Whether the move is refused, because of the table or because of an object that hangs on it. */
    @JsonProperty
    public boolean refused() {
        return !faults.isEmpty() || objects.stream().anyMatch(object -> object.treatment() == Treatment.REFUSED);
    }

    /** All reasons why the move is refused, one line each. */
    public List<String> reasons() {
        return Stream.concat(
                        faults.stream(),
                        objects.stream()
                                .filter(object -> object.treatment() == Treatment.REFUSED)
                                .map(object -> object.kind() + " " + object.name() + ": " + object.why()))
                .toList();
    }
}
