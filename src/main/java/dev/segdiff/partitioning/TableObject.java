package dev.segdiff.partitioning;

/**
 * An object that hangs on a table, as PostgreSQL's catalog has it.
 *
 * @param name the name as people write it
 * @param columns the columns of a key, or the referenced columns of a foreign key, separated by commas; else empty
 * @param withKey whether the columns contain the partition key; of a publication: whether it publishes partitions
 *     under the name of their table
 * @param peculiar whether the object is of the sort that partitioned tables do not have: a check that is not inherited,
 *     a row trigger with transition tables
 */
record TableObject(Kind kind, String name, String columns, boolean withKey, boolean peculiar) {
    enum Kind {
        PRIMARY_KEY,
        UNIQUE_KEY,
        EXCLUSION_CONSTRAINT,
        INDEX,
        CHECK_CONSTRAINT,
        FOREIGN_KEY,
        REFERENCE,
        SEQUENCE,
        TRIGGER,
        BEFORE_ROW_TRIGGER,
        RULE,
        POLICY,
        PRIVILEGES,
        STORAGE_PARAMETERS,
        STATISTICS,
        REPLICA_IDENTITY,
        PUBLICATION,
        VIEW,
        MATERIALIZED_VIEW,
        FUNCTION,
        ROW_TYPE,
        INHERITANCE,
        AUDIT,
        EVENT_POLICY;

        /** The kind as people read it, such as "primary key". */
        String words() {
            return name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
        }
    }
}
