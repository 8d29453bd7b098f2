package dev.segdiff.partitioning;

import static dev.segdiff.partitioning.Treatment.BY_HAND;
import static dev.segdiff.partitioning.Treatment.CARRIED;
import static dev.segdiff.partitioning.Treatment.REFUSED;

import dev.segdiff.partitioning.PartitioningPlan.Verdict;

/** Decides what becomes of each object that hangs on a table when the table is partitioned. */
final class CarryOver {
    /** Before this version, PostgreSQL deletes the children of a row that moves to another partition. */
    private static final int SAFE_REFERENCES = 15;

    private final Scheme scheme;
    private final Choices choices;
    private final int serverVersion;

    /** @param serverVersion the major version of PostgreSQL */
    CarryOver(Scheme scheme, Choices choices, int serverVersion) {
        this.scheme = scheme;
        this.choices = choices;
        this.serverVersion = serverVersion;
    }

    Verdict verdict(TableObject object) {
        return switch (object.kind()) {
            case PRIMARY_KEY, UNIQUE_KEY -> key(object);
            case REFERENCE -> reference(object);
            case FOREIGN_KEY, INDEX, SEQUENCE, POLICY, PRIVILEGES, STATISTICS -> as(object, CARRIED, "");
            case STORAGE_PARAMETERS, REPLICA_IDENTITY -> as(object, CARRIED, "on each partition");
            case VIEW, FUNCTION -> as(object, CARRIED, "replaced in the transaction of the swap");
            case CHECK_CONSTRAINT ->
                object.peculiar()
                        ? as(object, REFUSED, "a partitioned table has no check with NO INHERIT: make it again without")
                        : as(object, CARRIED, "");
            case TRIGGER ->
                object.peculiar()
                        ? as(object, REFUSED, "a partitioned table has no row trigger with transition tables")
                        : as(object, CARRIED, "");
            case BEFORE_ROW_TRIGGER ->
                as(
                        object,
                        BY_HAND,
                        "see to it that it does not change " + scheme.column().name()
                                + ": PostgreSQL refuses a row that a BEFORE trigger moves to another partition");
            case PUBLICATION ->
                object.withKey()
                        ? as(object, CARRIED, "")
                        : as(
                                object,
                                REFUSED,
                                "subscribers would get the names of partitions: alter publication " + object.name()
                                        + " set (publish_via_partition_root = true)");
            case EXCLUSION_CONSTRAINT ->
                as(object, REFUSED, "it cannot hold across partitions: drop it, or keep the table as it is");
            case RULE -> as(object, REFUSED, "MERGE fails on a partitioned table with rules: make a trigger of it");
            case MATERIALIZED_VIEW ->
                as(object, REFUSED, "it would go on reading the original: drop it, and create it again afterwards");
            case ROW_TYPE ->
                as(
                        object,
                        REFUSED,
                        "it is bound to the row type of the original: drop it, and create it again afterwards");
            case INHERITANCE -> as(object, REFUSED, "a table that inherits, or is inherited from, has no partitions");
            case AUDIT -> as(object, REFUSED, "end the audit of the table first: segdiff audit disable");
            case EVENT_POLICY ->
                as(
                        object,
                        BY_HAND,
                        "set segdiff.events." + object.name() + ".enabled=false until the table is partitioned");
        };
    }

    private Verdict key(TableObject key) {
        if (key.withKey()) {
            return as(key, CARRIED, "");
        } else if (choices.registries().contains(key.columns())) {
            return as(key, CARRIED, "kept unique by a key registry");
        } else if (choices.unenforced().contains(key.columns())) {
            return as(key, BY_HAND, "by your consent, nothing keeps it unique any more");
        }
        return as(
                key,
                REFUSED,
                "partitions by %s cannot keep (%s) unique: %s"
                        .formatted(scheme.column().name(), key.columns(), choices(key.columns())));
    }

    private static String choices(String columns) {
        if (columns.contains("(expression)")) {
            return "make a plain index of it";
        }
        String others = "--registry %1$s, or --accept-unenforced %1$s".formatted(columns);
        return columns.contains(",") ? others : "--by 'range(" + columns + ") ...', " + others;
    }

    private Verdict reference(TableObject reference) {
        if (choices.registries().contains(reference.columns())) {
            return as(reference, CARRIED, "it references the key registry");
        } else if (!reference.withKey()) {
            return as(
                    reference,
                    REFUSED,
                    "it references (%1$s), which partitions by %2$s cannot keep unique: %3$s--registry %1$s"
                            .formatted(
                                    reference.columns(),
                                    scheme.column().name(),
                                    reference.columns().contains(",")
                                            ? ""
                                            : "--by 'range(" + reference.columns() + ") ...' or "));
        } else if (serverVersion < SAFE_REFERENCES) {
            return as(
                    reference,
                    REFUSED,
                    "PostgreSQL " + serverVersion + " deletes the rows that reference a row which"
                            + " moves to another partition: upgrade to " + SAFE_REFERENCES);
        }
        return as(reference, CARRIED, "");
    }

    private static Verdict as(TableObject object, Treatment treatment, String why) {
        return new Verdict(object.kind().words(), object.name(), treatment, why);
    }
}
