package dev.segdiff.partitioning;

import java.util.Set;

/**
 * What a person chooses for keys that lack the partition key, such as {@code id} of a table that is partitioned by
 * {@code created_at}. PostgreSQL cannot keep such a key unique across partitions. A key is named by its columns,
 * separated by commas.
 *
 * @param registries the keys that a key registry is to keep: a table of its own that stays unique, and that foreign
 *     keys may reference
 * @param unenforced the keys that nothing keeps unique any more, by consent
 */
public record Choices(Set<String> registries, Set<String> unenforced) {
    public static final Choices NONE = new Choices(Set.of(), Set.of());
}
