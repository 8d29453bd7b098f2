package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.db.TableName;
import dev.segdiff.run.RunContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Optional;

/** Makes the partitions of the time to come, so that no row ever lacks a place. */
@ApplicationScoped
class PartitionsAhead {
    /** To attach a partition beside a default one, PostgreSQL locks everybody out and reads that: not more than 8 MB. */
    private static final long MAX_DEFAULT_PAGES = 1000;

    /** In one run, after a long absence. */
    private static final int MAX_NEW = 1000;

    private final Database database;
    private final PartitionQueries queries;

    PartitionsAhead(Database database, PartitionQueries queries) {
        this.database = database;
        this.queries = queries;
    }

    /** Where the newest partition ends, in the zone in which its bounds are round, and what the next one covers. */
    private record Edge(ZonedDateTime end, PartitionInterval interval, String lastName, String lastSuffix) {}

    void make(
            RunContext run,
            EventPolicy policy,
            EventTable table,
            List<Partition> partitions,
            Instant now,
            Instant horizon) {
        if (policy.partitionsAhead() == 0 || partitions.stream().anyMatch(p -> !p.isDefault() && p.to() == null)) {
            return;
        }
        Optional<Edge> edge = edge(policy, table, partitions, now);
        if (edge.isEmpty()) {
            run.problem(
                    "policy %s: the partitions of %s are not of one hour, day, week, month or year; set segdiff.events.%s.partition-interval"
                            .formatted(policy.name(), table.table().plain(), policy.name()));
            return;
        }
        PartitionInterval interval = edge.get().interval();
        ZonedDateTime from = edge.get().end();
        ZonedDateTime target = interval.floor(now.atZone(from.getZone()));
        for (int i = 0; i <= policy.partitionsAhead(); i++) {
            target = interval.after(target);
        }
        for (int made = 0; from.isBefore(target) && made < MAX_NEW; from = interval.after(from)) {
            ZonedDateTime to = interval.after(from);
            if (to.toInstant().isAfter(horizon)) {
                if (isDefaultLarge(run, policy, partitions)) {
                    return;
                }
                make(
                        run,
                        table,
                        name(table, edge.get(), from),
                        table.key().literal(from),
                        table.key().literal(to));
                made++;
            }
        }
    }

    private static boolean isDefaultLarge(RunContext run, EventPolicy policy, List<Partition> partitions) {
        Optional<Partition> large = partitions.stream()
                .filter(partition -> partition.isDefault() && partition.pages() > MAX_DEFAULT_PAGES)
                .findFirst();
        large.ifPresent(partition -> run.problem(
                "policy %s: no partitions are made ahead, as PostgreSQL would lock everybody out while it reads the default partition %s (%d MB); move its rows"
                        .formatted(policy.name(), partition.table().plain(), partition.pages() / 128)));
        return large.isPresent();
    }

    private void make(RunContext run, EventTable table, TableName partition, String from, String to) {
        String create = PartitionQueries.create(table, partition);
        String attach = PartitionQueries.attach(table, partition, from, to);
        if (run.request().dryRun()) {
            run.wouldRun(create);
            run.wouldRun(attach);
            run.counts().add("partitions_made", 1);
            return;
        }
        EventPartitions.attempt(run, partition, () -> {
            run.inTransaction(database, session -> {
                queries.execute(session, create);
                queries.giveToOwnerOf(session, table, partition);
                queries.execute(session, attach);
            });
            run.counts().add("partitions_made", 1);
        });
    }

    private static Optional<Edge> edge(EventPolicy policy, EventTable table, List<Partition> partitions, Instant now) {
        Optional<Partition> newest =
                partitions.stream().filter(partition -> partition.to() != null).reduce((first, second) -> second);
        if (newest.isEmpty()) {
            PartitionInterval interval = policy.partitionInterval().orElse(PartitionInterval.MONTH);
            ZonedDateTime start = interval.floor(now.atZone(table.key().zone()));
            return Optional.of(new Edge(start, interval, "", ""));
        }
        for (ZoneId zone : List.of(table.key().zone(), ZoneOffset.UTC)) {
            Optional<Edge> edge = edge(policy, table.key(), newest.get(), zone);
            if (edge.isPresent()) {
                return edge;
            }
        }
        return Optional.empty();
    }

    private static Optional<Edge> edge(EventPolicy policy, EventKey key, Partition newest, ZoneId zone) {
        Optional<ZonedDateTime> to = key.time(String.valueOf(newest.to())).map(time -> time.withZoneSameInstant(zone));
        Optional<ZonedDateTime> from =
                Optional.ofNullable(newest.from()).flatMap(key::time).map(time -> time.withZoneSameInstant(zone));
        Optional<PartitionInterval> interval = policy.partitionInterval()
                .or(() -> from.flatMap(start -> to.flatMap(end -> PartitionInterval.between(start, end))));
        return interval.flatMap(unit -> to.map(end -> new Edge(
                end, unit, newest.table().name(), from.map(unit::suffix).orElse(""))));
    }

    /** Named like the newest partition, where its name tells its time. */
    private static TableName name(EventTable table, Edge edge, ZonedDateTime from) {
        String suffix = edge.interval().suffix(from);
        String schema = table.table().schema();
        if (!edge.lastSuffix().isEmpty() && edge.lastName().contains(edge.lastSuffix())) {
            return new TableName(schema, edge.lastName().replace(edge.lastSuffix(), suffix));
        }
        String digits = edge.lastSuffix().replace("_", "");
        return !digits.isEmpty() && edge.lastName().contains(digits)
                ? new TableName(schema, edge.lastName().replace(digits, suffix.replace("_", "")))
                : new TableName(schema, table.table().name() + "_" + suffix);
    }
}
