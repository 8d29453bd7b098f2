package dev.segdiff.event;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import dev.segdiff.event.TableInspection.Finding;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Measure;
import dev.segdiff.table.Partition;
import dev.segdiff.table.TimedTable;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Whether each event table is inside its retention, and if not, when it will be. */
@ApplicationScoped
class EventGoal {
    /** Whoever asks for the state waits for no more than this, for each question. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** Between two daily runs rows expire; a row may wait for the next one, and for one that is late. */
    private static final Duration TOLERANCE = Duration.ofHours(30);

    private final Database database;
    private final EventQueries queries;
    private final EventGoalQueries goalQueries;
    private final PartitionQueries partitionQueries;
    private final TableInspection inspection;
    private final MassExpiry massExpiry;
    private final PartitionsAhead ahead;

    EventGoal(
            Database database,
            EventQueries queries,
            EventGoalQueries goalQueries,
            PartitionQueries partitionQueries,
            TableInspection inspection,
            MassExpiry massExpiry,
            PartitionsAhead ahead) {
        this.database = database;
        this.queries = queries;
        this.goalQueries = goalQueries;
        this.partitionQueries = partitionQueries;
        this.inspection = inspection;
        this.massExpiry = massExpiry;
        this.ahead = ahead;
    }

    /**
     * The state of one policy.
     *
     * @param overdueSeconds for how long the oldest expired row should have been gone; null: unknown
     * @param eligible rows that have expired, as the planner estimates
     * @param expiredPerDay of the last week
     * @param eligiblePerDay rows that expire a day, as the planner estimates
     * @param daysLeft until nothing is overdue; null: never at this rate, or unknown
     */
    record State(
            boolean met,
            @Nullable Long overdueSeconds,
            long eligible,
            long expiredPerDay,
            long eligiblePerDay,
            @Nullable Long daysLeft) {}

    Goal read(List<EventPolicy> policies) {
        Instant now = database.transaction(queries::now);
        List<String> details = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        List<Measure> measures = new ArrayList<>();
        boolean met = true;
        for (EventPolicy policy : policies) {
            if (!policy.enabled()) {
                details.add(policy.name() + ": disabled");
                continue;
            }
            Finding finding = inspection.inspect(database, policy, policies, now);
            if (finding.table() == null) {
                finding.faults().forEach(fault -> problems.add("policy " + policy.name() + ": " + fault));
                met = false;
                continue;
            }
            State state = state(policy, finding.table(), now);
            heldBack(policy, finding.table(), now).ifPresent(problems::add);
            Optional<String> lacking = lackingPartitions(policy, finding.table(), now);
            lacking.ifPresent(what -> problems.add("policy " + policy.name() + ": " + what));
            met &= lacking.isEmpty();
            met &= state.met();
            measures.addAll(measures(policy, state));
            details.add(policy.name() + ": " + describe(state));
        }
        return new Goal(met, summary(policies, met), details, measures, problems);
    }

    private static String summary(List<EventPolicy> policies, boolean met) {
        if (policies.isEmpty()) {
            return "no event policy is configured";
        }
        return policies.size()
                + (policies.size() == 1 ? " policy" : " policies")
                + (met ? ", all inside their retention" : ", not all inside their retention");
    }

    /** What stands in the way of the next run; unknown if it takes too long to find out. */
    private Optional<String> heldBack(EventPolicy policy, TimedTable table, Instant now) {
        String bound = table.key().bound(now.minus(policy.retention()));
        try {
            return ask(session -> massExpiry.objection(session, policy, table, bound))
                    .map(why -> ExpiryPlan.heldBack(policy, why));
        } catch (DatabaseException e) {
            if (e.isCancelled()) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private Optional<String> lackingPartitions(EventPolicy policy, TimedTable table, Instant now) {
        if (!table.partitioned()) {
            return Optional.empty();
        }
        String bound = table.key().bound(now.minus(policy.retention()));
        List<Partition> partitions = ask(session -> partitionQueries.list(session, table, bound));
        return ahead.lacking(policy, table, partitions, now);
    }

    private State state(EventPolicy policy, TimedTable table, Instant now) {
        Instant horizon = now.minus(policy.retention());
        String bound = table.key().bound(horizon);
        Optional<Duration> overdue = overdue(table, bound, horizon);
        boolean met = overdue.isPresent() && overdue.get().compareTo(TOLERANCE) <= 0;
        boolean nothing = overdue.isPresent() && overdue.get().isZero();
        return ask(session -> {
            long eligible = nothing ? 0 : goalQueries.estimate(session, table, null, bound);
            String tomorrow = table.key().bound(horizon.plus(Duration.ofDays(1)));
            long perDay = goalQueries.estimate(session, table, bound, tomorrow);
            long expired = goalQueries.expiredPerDay(session, policy);
            Long left = met ? Long.valueOf(0) : daysLeft(eligible, expired, perDay);
            return new State(met, overdue.map(Duration::toSeconds).orElse(null), eligible, expired, perDay, left);
        });
    }

    /** Zero if nothing has expired; empty if it takes too long to find out. */
    private Optional<Duration> overdue(TimedTable table, String bound, Instant horizon) {
        if (table.partitioned()) {
            return Optional.of(overduePartitions(table, bound, horizon));
        } else if (!table.indexed()) {
            return Optional.empty();
        }
        try {
            Optional<String> oldest = ask(session -> goalQueries.oldest(session, table, bound));
            return Optional.of(oldest.flatMap(table.key()::time)
                    .map(ZonedDateTime::toInstant)
                    .map(time -> Duration.between(time, horizon))
                    .filter(age -> !age.isNegative())
                    .orElse(oldest.isEmpty() ? Duration.ZERO : Duration.ofSeconds(1)));
        } catch (DatabaseException e) {
            if (!e.isCancelled()) {
                throw e;
            }
            return Optional.empty();
        }
    }

    /** A partition goes as a whole, so that its last row counts; and what has strayed into the default partition. */
    private Duration overduePartitions(TimedTable table, String bound, Instant horizon) {
        List<Partition> partitions = ask(session -> partitionQueries.list(session, table, bound));
        Duration overdue = partitions.stream()
                .filter(Partition::expired)
                .map(partition -> table.key().time(String.valueOf(partition.to())))
                .flatMap(Optional::stream)
                .map(end -> Duration.between(end.toInstant(), horizon).plusSeconds(1))
                .max(Comparator.naturalOrder())
                .orElse(Duration.ZERO);
        Duration strays = partitions.stream()
                .filter(partition -> partition.isDefault() && partition.indexed())
                .map(partition -> overdue(table.partition(partition.table(), true, partition.pages()), bound, horizon))
                .flatMap(Optional::stream)
                .findFirst()
                .orElse(Duration.ZERO);
        return overdue.compareTo(strays) > 0 ? overdue : strays;
    }

    private <T> T ask(java.util.function.Function<Session, T> question) {
        Settings settings = database.defaults().statementTimeout(PATIENCE).with("enable_seqscan", "off");

        return database.transaction(settings, new Cancellation(), question);
    }

    private static @Nullable Long daysLeft(long eligible, long expiredPerDay, long eligiblePerDay) {
        long gain = expiredPerDay - eligiblePerDay;
        return gain <= 0 ? null : Long.valueOf(Math.max(1, (eligible + gain - 1) / gain));
    }

    private static List<Measure> measures(EventPolicy policy, State state) {
        Map<String, String> labels = Map.of("policy", policy.name());
        List<Measure> measures = new ArrayList<>();
        measures.add(new Measure(
                "inside_retention", labels, state.met() ? 1 : 0, "Whether the table is inside its retention."));
        if (state.overdueSeconds() != null) {
            measures.add(new Measure(
                    "oldest_expired_row_overdue_seconds",
                    labels,
                    state.overdueSeconds(),
                    "For how long the oldest expired row should have been gone."));
        }
        measures.add(new Measure(
                "eligible_rows", labels, state.eligible(), "Rows that have expired, as the planner estimates."));
        measures.add(new Measure(
                "expired_rows_per_day", labels, state.expiredPerDay(), "Rows expired a day, over the last week."));
        measures.add(new Measure(
                "eligible_rows_per_day",
                labels,
                state.eligiblePerDay(),
                "Rows that become eligible a day, as the planner estimates."));
        if (state.daysLeft() != null) {
            measures.add(new Measure(
                    "seconds_left",
                    labels,
                    Duration.ofDays(state.daysLeft()).toSeconds(),
                    "Seconds until the table is inside its retention."));
        }
        return measures;
    }

    private static String describe(State state) {
        String overdue = state.overdueSeconds() == null
                ? "the oldest expired row is unknown (no index, or an index full of dead rows)"
                : state.overdueSeconds() == 0
                        ? "nothing has expired"
                        : "oldest expired row overdue by " + age(state.overdueSeconds());
        String forecast = state.met()
                ? ""
                : state.daysLeft() == null
                        ? "; inside the retention: never, at this rate"
                        : "; inside the retention in " + state.daysLeft() + (state.daysLeft() == 1 ? " day" : " days");
        return String.format(
                Locale.ROOT,
                "%s; about %,d rows eligible, %,d a day expired, %,d a day become eligible%s",
                overdue,
                state.eligible(),
                state.expiredPerDay(),
                state.eligiblePerDay(),
                forecast);
    }

    private static String age(long seconds) {
        Duration age = Duration.ofSeconds(seconds);
        if (age.toDays() > 1) {
            return age.toDays() + " days";
        }
        return age.toHours() > 0 ? age.toHours() + " h" : age.toMinutes() + " min";
    }
}
