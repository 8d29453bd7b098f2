package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.TableName;
import dev.segdiff.run.RunContext;
import dev.segdiff.table.Partition;
import dev.segdiff.table.PartitionInterval;
import dev.segdiff.table.TimedTable;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Makes the partitions of the time to come, so that no row ever lacks a place. */
@ApplicationScoped
class PartitionsAhead {
    /** To attach a partition beside a default one, PostgreSQL locks everybody out and reads that: not more than 8 MB. */
    private static final long MAX_DEFAULT_PAGES = 1000;

    /** In one run, after a long absence. */
    private static final int MAX_NEW = 1000;

    /** A daily run, and one that is late. */
    private static final Duration LATE = Duration.ofHours(30);

    private static final DateTimeFormatter UTC = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mmX", Locale.ROOT);

    private final Database database;
    private final PartitionQueries queries;

    PartitionsAhead(Database database, PartitionQueries queries) {
        this.database = database;
        this.queries = queries;
    }

    /** Makes them, and counts as refused a policy whose partitions do not reach as far as they should. */
    void make(
            RunContext run,
            EventPolicy policy,
            TimedTable table,
            List<Partition> partitions,
            Instant now,
            Instant horizon) {
        if (isLeftAlone(policy, partitions)) {
            return;
        }
        Optional<NewestPartition> newest = NewestPartition.of(policy, table, partitions, now);
        Instant reached = newest.isPresent()
                ? make(run, policy, table, partitions, newest.get(), now, horizon)
                : end(table, partitions);
        lacking(policy, table, partitions, reached, now, now).ifPresent(problem -> {
            run.counts().add("refused", 1);
            run.problem("policy " + policy.name() + ": " + problem);
        });
    }

    /** From when on rows have no place, if partitions do not reach as far ahead as they should. */
    Optional<String> lacking(EventPolicy policy, TimedTable table, List<Partition> partitions, Instant now) {
        return isLeftAlone(policy, partitions)
                ? Optional.empty()
                : lacking(policy, table, partitions, end(table, partitions), now.minus(LATE), now);
    }

    /** Somebody else makes partitions, or the last one has no end. */
    private static boolean isLeftAlone(EventPolicy policy, List<Partition> partitions) {
        return policy.partitionsAhead() == 0 || partitions.stream().anyMatch(p -> !p.isDefault() && p.to() == null);
    }

    private static Instant end(TimedTable table, List<Partition> partitions) {
        return partitions.stream()
                .flatMap(partition -> Optional.ofNullable(partition.to()).flatMap(table.key()::time).stream())
                .map(ZonedDateTime::toInstant)
                .max(Comparator.naturalOrder())
                .orElse(Instant.EPOCH);
    }

    private static Optional<String> lacking(
            EventPolicy policy,
            TimedTable table,
            List<Partition> partitions,
            Instant reached,
            Instant lastRun,
            Instant now) {
        Optional<NewestPartition> newest = NewestPartition.of(policy, table, partitions, now);
        if (newest.isPresent()
                && !reached.isBefore(
                        newest.get().target(lastRun, policy.partitionsAhead()).toInstant())
                && reached.isAfter(now)) {
            return Optional.empty();
        }
        String from = reached.isBefore(now) ? "now" : "from " + UTC.format(reached.atOffset(ZoneOffset.UTC)) + " on";
        String what = partitions.stream()
                .filter(Partition::isDefault)
                .findFirst()
                .map(strays -> "rows go into the default partition %s %s"
                        .formatted(strays.table().plain(), from))
                .orElseGet(
                        () -> "inserts into %s fail %s".formatted(table.table().plain(), from));
        String why = newest.isPresent()
                ? "its partitions end there"
                : ("its partitions end there, and are not of one hour, day, week, month or year in any zone; set"
                                + " segdiff.events.%1$s.partition-interval, or segdiff.events.%1$s.zone")
                        .formatted(policy.name());
        return Optional.of(what + ": " + why);
    }

    /** As far as there are partitions afterwards. */
    private Instant make(
            RunContext run,
            EventPolicy policy,
            TimedTable table,
            List<Partition> partitions,
            NewestPartition newest,
            Instant now,
            Instant horizon) {
        PartitionInterval interval = newest.interval();
        ZonedDateTime from = newest.end();
        ZonedDateTime target = newest.target(now, policy.partitionsAhead());
        boolean whole = true;
        Instant reached = from.toInstant();
        for (int made = 0; from.isBefore(target) && made < MAX_NEW; from = interval.after(from)) {
            ZonedDateTime to = interval.after(from);
            if (to.toInstant().isAfter(horizon)) {
                if (isDefaultLarge(run, policy, partitions)) {
                    return reached;
                }
                whole &= make(
                        run,
                        table,
                        name(table, newest, from),
                        table.key().literal(from),
                        table.key().literal(to));
                made++;
            }
            reached = whole ? to.toInstant() : reached;
        }
        return reached;
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

    private boolean make(RunContext run, TimedTable table, TableName partition, String from, String to) {
        String create = PartitionQueries.create(table, partition);
        String attach = PartitionQueries.attach(table, partition, from, to);
        if (run.request().dryRun()) {
            run.wouldRun(create);
            run.wouldRun(attach);
            run.counts().add("partitions_made", 1);
            return true;
        }
        return EventPartitions.attempt(run, partition, () -> {
            create(run, table, partition, create, attach);
            run.counts().add("partitions_made", 1);
        });
    }

    private void create(RunContext run, TimedTable table, TableName partition, String create, String attach) {
        try {
            run.inTransaction(database, session -> {
                queries.execute(session, create);
                queries.giveToOwnerOf(session, table, partition);
                queries.execute(session, attach);
            });
        } catch (DatabaseException e) {
            if (e.isConstraintViolation()) {
                throw new InvalidInputException("rows of its time lie in the default partition of "
                        + table.table().plain() + "; move them out of there, and the next run makes it");
            }
            throw e;
        }
    }

    /** Named like the newest partition, where its name tells its time. */
    private static TableName name(TimedTable table, NewestPartition newest, ZonedDateTime from) {
        String suffix = newest.interval().suffix(from);
        String schema = table.table().schema();
        if (!newest.suffix().isEmpty() && newest.name().contains(newest.suffix())) {
            return new TableName(schema, newest.name().replace(newest.suffix(), suffix));
        }
        String digits = newest.suffix().replace("_", "");
        return !digits.isEmpty() && newest.name().contains(digits)
                ? new TableName(schema, newest.name().replace(digits, suffix.replace("_", "")))
                : new TableName(schema, table.table().name() + "_" + suffix);
    }
}
