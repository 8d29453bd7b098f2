package dev.segdiff.table;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.TableName;
import dev.segdiff.pace.Steps;
import dev.segdiff.run.RunContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;

/** Makes partitions before their time comes, so that every new row finds its partition. */
@ApplicationScoped
public class PartitionsAhead {
    /**
     * The largest default partition, in pages of 8 kB, beside which a partition is attached: 8 MB. To attach a
     * partition, PostgreSQL locks everybody out and reads the default partition as a whole.
     */
    private static final long MAX_DEFAULT_PAGES = 1000;

    /**
     * The largest number of partitions that one run makes; the next run makes the others. Only a table that no run has
     * visited for a long time lacks so many: 1,000 hourly partitions are 41 days.
     */
    private static final int MAX_NEW = 1000;

    /**
     * How long a planned partition may be missing before the goal is missed: 24 hours until the next daily run, and 6
     * hours for a run that is late.
     */
    private static final Duration LATE = Duration.ofHours(30);

    private static final DateTimeFormatter UTC = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mmX", Locale.ROOT);

    private final Database database;

    public PartitionsAhead(Database database) {
        this.database = database;
    }

    /**
     * Makes the partitions that are missing. If the partitions then do not reach as far ahead as planned, the run
     * counts the plan as refused and reports a problem.
     *
     * @param horizon a partition that ends before this time is not made, because it would expire at once
     */
    public void make(RunContext run, Partitions partitions, Instant now, Instant horizon) {
        if (partitions.needNoMore()) {
            return;
        }
        Optional<NewestPartition> newest = NewestPartition.of(partitions, now);
        Instant reached = newest.isPresent()
                ? make(run, partitions, series(newest.get(), partitions.plan(), now), horizon)
                : partitions.end();
        lacking(partitions, reached, now, now).ifPresent(problem -> {
            run.counts().add("refused", 1);
            run.problem(partitions.plan().subject() + ": " + problem);
        });
    }

    /**
     * A sentence that says from which time on new rows find no partition; empty if the partitions reach as far ahead as
     * planned.
     */
    public Optional<String> lacking(Partitions partitions, Instant now) {
        return partitions.needNoMore() ? Optional.empty() : lacking(partitions, partitions.end(), now.minus(LATE), now);
    }

    private static Optional<String> lacking(Partitions partitions, Instant reached, Instant lastRun, Instant now) {
        Optional<NewestPartition> newest = NewestPartition.of(partitions, now);
        if (newest.isPresent()
                && !reached.isBefore(
                        newest.get().target(lastRun, partitions.plan().ahead()).toInstant())
                && reached.isAfter(now)) {
            return Optional.empty();
        }
        String from = reached.isBefore(now) ? "now" : "from " + UTC.format(reached.atOffset(ZoneOffset.UTC)) + " on";
        String what = partitions
                .defaultPartition()
                .map(strays -> "rows go into the default partition %s %s"
                        .formatted(strays.table().plain(), from))
                .orElseGet(() -> "inserts into %s fail %s"
                        .formatted(partitions.table().table().plain(), from));
        String why = newest.isPresent()
                ? "its partitions end there"
                : ("its partitions end there, and are not of one hour, day, week, month or year in any zone; set"
                                + " %1$s.partition-interval, or %1$s.zone")
                        .formatted(partitions.plan().keys());
        return Optional.of(what + ": " + why);
    }

    /** The partitions to come, in their order. */
    private record Series(NewestPartition newest, ZonedDateTime target) {}

    private static Series series(NewestPartition newest, PartitionPlan plan, Instant now) {
        return new Series(newest, newest.target(now, plan.ahead()));
    }

    /** Makes the partitions of a series, and returns the time up to which the partitions have no gap. */
    private Instant make(RunContext run, Partitions partitions, Series series, Instant horizon) {
        PartitionInterval interval = series.newest().interval();
        ZonedDateTime from = series.newest().end();
        boolean whole = true;
        Instant reached = from.toInstant();
        for (int made = 0; from.isBefore(series.target()) && made < MAX_NEW; from = interval.after(from)) {
            ZonedDateTime to = interval.after(from);
            if (to.toInstant().isAfter(horizon)) {
                if (isDefaultLarge(run, partitions)) {
                    return reached;
                }
                whole &= make(run, partitions.table(), span(partitions.table(), series.newest(), from));
                made++;
            }
            reached = whole ? to.toInstant() : reached;
        }
        return reached;
    }

    private static boolean isDefaultLarge(RunContext run, Partitions partitions) {
        Optional<Partition> large = partitions.defaultPartition().filter(found -> found.pages() > MAX_DEFAULT_PAGES);
        large.ifPresent(partition -> run.problem(("%s: no partitions are made ahead, as PostgreSQL would lock everybody"
                        + " out while it reads the default partition %s (%d MB); move its rows")
                .formatted(partitions.plan().subject(), partition.table().plain(), partition.pages() / 128)));
        return large.isPresent();
    }

    /** A partition to be made. */
    private record Span(TableName partition, String from, String to) {}

    private static Span span(TimedTable table, NewestPartition newest, ZonedDateTime from) {
        return new Span(
                name(table, newest, from),
                table.key().literal(from),
                table.key().literal(newest.interval().after(from)));
    }

    private boolean make(RunContext run, TimedTable table, Span span) {
        String create = PartitionDdl.create(table.table(), span.partition());
        String attach = PartitionDdl.attach(table.table(), span.partition(), span.from(), span.to());
        if (run.request().dryRun()) {
            run.wouldRun(create);
            run.wouldRun(attach);
            run.counts().add("partitions_made", 1);
            return true;
        }
        return Steps.attempt(run, "partition " + span.partition().plain(), () -> {
            try {
                run.inTransaction(database, session -> {
                    session.update(create);
                    PartitionDdl.giveToOwnerOf(session, table.table(), span.partition());
                    session.update(attach);
                });
            } catch (DatabaseException e) {
                throw e.isConstraintViolation() ? strays(table) : e;
            }
            run.counts().add("partitions_made", 1);
        });
    }

    private static InvalidInputException strays(TimedTable table) {
        return new InvalidInputException("rows of its time lie in the default partition of "
                + table.table().plain() + "; move them out of there, and the next run makes the partition");
    }

    /**
     * The name of a new partition. If the name of the newest partition contains its time, such as 2026_03 or 202603,
     * the new name is the same with the new time; otherwise it is the table's name and the new time.
     */
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
