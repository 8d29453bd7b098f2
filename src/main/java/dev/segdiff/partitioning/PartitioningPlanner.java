package dev.segdiff.partitioning;

import dev.segdiff.db.Database;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.TableName;
import dev.segdiff.partitioning.PartitioningPlan.Verdict;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Plans the move of a table to partitions. It only reads. */
@ApplicationScoped
public class PartitioningPlanner {
    private final Database database;
    private final Estimates estimates;

    PartitioningPlanner(Database database, Estimates estimates) {
        this.database = database;
        this.estimates = estimates;
    }

    /**
     * Plans the move.
     *
     * @throws InvalidInputException if there is no such table, or if a choice names something else than a unique key
     *     without the partition key
     */
    public PartitioningPlan plan(TableName table, Scheme scheme, Choices choices) {
        Original original = database.transaction(session -> Original.of(session, table, scheme))
                .orElseThrow(() -> new InvalidInputException("table " + table.plain() + " does not exist"));
        List<TableObject> objects =
                database.transaction(session -> TableObjects.of(session, original.oid(), scheme.column()));
        checkChoices(choices, objects);
        CarryOver carryOver = new CarryOver(scheme, choices, original.serverVersion());
        List<Verdict> verdicts = objects.stream().map(carryOver::verdict).toList();
        List<String> faults = Fitness.faults(table, scheme, original);
        return new PartitioningPlan(
                table.plain(), scheme.text(), faults, verdicts, estimates.of(table, scheme, original));
    }

    /** A choice that nothing needs is a typing mistake. */
    private static void checkChoices(Choices choices, List<TableObject> objects) {
        Set<String> open = new HashSet<>();
        for (TableObject object : objects) {
            if (object.kind() == TableObject.Kind.PRIMARY_KEY || object.kind() == TableObject.Kind.UNIQUE_KEY) {
                if (!object.withKey()) {
                    open.add(object.columns());
                }
            }
        }
        List<String> chosen = new ArrayList<>(choices.registries());
        chosen.addAll(choices.unenforced());
        for (String columns : chosen) {
            if (!open.contains(columns)) {
                throw new InvalidInputException(
                        "(" + columns + ") is no unique key without the partition key, expected "
                                + (open.isEmpty()
                                        ? "no choice, as there is none"
                                        : "one of: " + open.stream().sorted().toList()));
            }
        }
    }
}
