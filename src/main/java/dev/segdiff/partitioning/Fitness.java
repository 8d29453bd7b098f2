package dev.segdiff.partitioning;

import dev.segdiff.db.TableName;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Says why a table itself cannot be partitioned as a person wants it; {@link CarryOver} judges its objects. */
final class Fitness {
    private static final Set<String> TIMES = Set.of("timestamptz", "timestamp", "date", "uuid");
    private static final Set<String> NUMBERS = Set.of("int8", "int4", "int2");

    private Fitness() {}

    /** The faults, each with what a person can do; empty if there is none. */
    static List<String> faults(TableName table, Scheme scheme, Original original) {
        List<String> faults = new ArrayList<>();
        String name = table.plain();
        switch (original.kind()) {
            case "r" -> {}
            case "p" -> faults.add(name + " is partitioned already");
            case "f" -> faults.add(name + " is a foreign table: its rows lie on another server");
            default -> faults.add(name + " is no table");
        }
        if (table.belongsToSystem()) {
            faults.add(name + " is a table of segdiff or of PostgreSQL itself");
        }
        if (original.isPartition()) {
            faults.add(name + " is a partition of another table: name that table");
        }
        if (original.persistence().equals("u")) {
            faults.add(name + " is unlogged: alter table " + name + " set logged");
        } else if (original.persistence().equals("t")) {
            faults.add(name + " is temporary: it ends with its session");
        }
        if (original.typed()) {
            faults.add(name + " is a table of a composite type: alter table " + name + " not of");
        }
        if (!original.hasPrimaryKey()) {
            faults.add(name + " has no primary key, by which both sides are kept equal");
        }
        if (!original.owned()) {
            faults.add("only the owner of " + name + " can do this: grant the owner's role to the database role");
        }
        if (!original.mayCreateSchema()) {
            faults.add("the database role may not create schemas: grant create on database to the role");
        }
        faults.addAll(ofKey(name, scheme, original));
        return faults;
    }

    private static List<String> ofKey(String name, Scheme scheme, Original original) {
        String column = scheme.column().name();
        String type = original.columnType();
        if (type == null) {
            return List.of("table " + name + " has no column " + column);
        }
        List<String> faults = new ArrayList<>();
        if (scheme instanceof Scheme.TimeRange && !TIMES.contains(type)) {
            faults.add(
                    "column %s is %s, expected timestamptz, timestamp, date or uuid (UUIDv7)".formatted(column, type));
        } else if (scheme instanceof Scheme.NumberRange && !NUMBERS.contains(type)) {
            faults.add("column %s is %s, expected bigint, integer or smallint; or name an interval such as month"
                    .formatted(column, type));
        }
        if (!original.notNull()) {
            faults.add(("column %1$s may be null, and a row without it has no partition:"
                            + " alter table %2$s alter %1$s set not null")
                    .formatted(column, name));
        }
        if (original.generated()) {
            faults.add("column " + column + " is generated, which a partition key cannot be");
        }
        return faults;
    }
}
