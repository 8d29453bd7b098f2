package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.pace.Gate;
import dev.segdiff.pace.Steps;
import dev.segdiff.run.RunContext;
import dev.segdiff.trash.Trash;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** Drops the partitions that have waited in the trash for long enough. */
@ApplicationScoped
class DetachedPartitions {
    /** How long a partition of a policy that is no longer configured waits in the trash. */
    private static final Duration UNKNOWN_WAITS = Duration.ofDays(7);

    private static final String COUNT = "partitions_dropped";

    private final Database database;
    private final Trash trash;
    private final Steps steps;

    DetachedPartitions(Database database, Trash trash, Steps steps) {
        this.database = database;
        this.trash = trash;
        this.steps = steps;
    }

    /** Drops what has waited for as long as its policy wants. */
    void drop(RunContext run, Gate gate, List<EventPolicy> policies) {
        Map<String, Duration> waits =
                policies.stream().collect(Collectors.toMap(EventPolicy::name, EventPolicy::trashAfter));
        waits.forEach((owner, wait) -> steps.each(run, gate, due(wait, owner::equals), trash.dropStep(COUNT, wait)));
        List<Trash.Entry> unknown = due(UNKNOWN_WAITS, owner -> !waits.containsKey(owner));
        steps.each(run, gate, unknown, trash.dropStep(COUNT, UNKNOWN_WAITS));
    }

    private List<Trash.Entry> due(Duration wait, Predicate<String> owner) {
        return database.transaction(session -> trash.due(session, Trash.Kind.PARTITION, wait)).stream()
                .filter(entry -> owner.test(entry.owner()))
                .toList();
    }
}
