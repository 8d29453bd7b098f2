package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import dev.segdiff.event.EventPartitions.Found;
import dev.segdiff.event.PolicyCheck.CheckResult;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Measure;
import dev.segdiff.table.Partition;
import dev.segdiff.table.PartitionsAhead;
import dev.segdiff.table.TimedTable;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Finds out whether each event table is inside its retention and, if not, when it will be. */
@ApplicationScoped
class EventGoal {
    /**
     * The time limit of each query about the state. The limit is short because a person or a probe that asks for the
     * goal waits for all queries together.
     */
    private static final Duration QUERY_TIMEOUT = Duration.ofSeconds(2);

    /**
     * How long an expired row may wait before the goal is missed: 24 hours until the next daily run, and 6 hours for a
     * run that is late.
     */
    private static final Duration GRACE_PERIOD = Duration.ofHours(30);

    private final Database database;
    private final EventGoalQueries queries;
    private final EventPartitions partitions;
    private final PolicyCheck check;
    private final MassExpiry massExpiry;
    private final PartitionsAhead ahead;

    EventGoal(
            Database database,
            EventGoalQueries queries,
            EventPartitions partitions,
            PolicyCheck check,
            MassExpiry massExpiry,
            PartitionsAhead ahead) {
        this.database = database;
        this.queries = queries;
        this.partitions = partitions;
        this.check = check;
        this.massExpiry = massExpiry;
        this.ahead = ahead;
    }

    Goal read(List<EventPolicy> policies) {
        Instant now = database.now();
        List<String> details = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        List<Measure> measures = new ArrayList<>();
        boolean met = true;
        for (EventPolicy policy : policies) {
            if (!policy.enabled()) {
                details.add(policy.name() + ": disabled");
                continue;
            }
            CheckResult result = check.check(policy, policies, now);
            TimedTable table = result.table();
            if (table == null) {
                result.faults().forEach(fault -> problems.add(policy.subject() + ": " + fault));
                met = false;
                continue;
            }
            PolicyTable target = new PolicyTable(policy, table, Horizon.of(policy, table.key(), now));
            Optional<Found> found = table.partitioned()
                    ? Optional.of(ask(session -> partitions.find(session, target)))
                    : Optional.empty();
            PolicyState state = state(target, overdue(target, found));
            heldBack(target).ifPresent(problems::add);
            Optional<String> lacking = found.flatMap(some -> ahead.lacking(some.partitions(), now));
            lacking.ifPresent(what -> problems.add(policy.subject() + ": " + what));
            met &= lacking.isEmpty() && state.met();
            measures.addAll(state.measures(policy));
            details.add(policy.name() + ": " + state.describe());
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

    /**
     * Why the next run will hold the policy back; empty if the next run will not hold the policy back, or if the
     * queries take too long.
     */
    private Optional<String> heldBack(PolicyTable target) {
        try {
            return ask(session -> massExpiry.objection(session, target))
                    .map(why -> ExpiryPlan.heldBack(target.policy(), why));
        } catch (DatabaseException e) {
            if (e.isCancelled()) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private PolicyState state(PolicyTable target, Optional<Duration> overdue) {
        boolean met = overdue.isPresent() && overdue.get().compareTo(GRACE_PERIOD) <= 0;
        boolean nothing = overdue.isPresent() && overdue.get().isZero();
        String bound = target.horizon().value();
        String tomorrow = target.table().key().bound(target.horizon().at().plus(Duration.ofDays(1)));
        return ask(session -> {
            long eligible = nothing ? 0 : queries.estimate(session, target.table(), null, bound);
            long perDay = queries.estimate(session, target.table(), bound, tomorrow);
            long expired = queries.expiredPerDay(session, target.policy());
            Long left = met ? Long.valueOf(0) : PolicyState.daysLeft(eligible, expired, perDay);
            return new PolicyState(met, overdue.map(Duration::toSeconds).orElse(null), eligible, expired, perDay, left);
        });
    }

    private Optional<Duration> overdue(PolicyTable target, Optional<Found> found) {
        return found.isPresent() ? Optional.of(overduePartitions(target, found.get())) : overdueRows(target);
    }

    /**
     * For how long the oldest expired row should have been gone: zero if nothing has expired; empty if unknown, because
     * the table has no index on the column or the query takes too long.
     */
    private Optional<Duration> overdueRows(PolicyTable target) {
        TimedTable table = target.table();
        if (!table.indexed()) {
            return Optional.empty();
        }
        try {
            Optional<String> oldest = ask(session -> queries.oldest(session, target));
            return Optional.of(oldest.flatMap(table.key()::time)
                    .map(ZonedDateTime::toInstant)
                    .map(time -> Duration.between(time, target.horizon().at()))
                    .filter(age -> !age.isNegative())
                    .orElse(oldest.isEmpty() ? Duration.ZERO : Duration.ofSeconds(1)));
        } catch (DatabaseException e) {
            if (!e.isCancelled()) {
                throw e;
            }
            return Optional.empty();
        }
    }

    /**
     * For how long expired partitions, and expired rows in the default partition, should have been gone. A partition
     * goes as a whole, so it is overdue from the time when its last row has expired.
     */
    private Duration overduePartitions(PolicyTable target, Found found) {
        Duration overdue = found.partitions().all().stream()
                .filter(partition -> found.expired().contains(partition.table()))
                .map(partition -> target.table().key().time(String.valueOf(partition.to())))
                .flatMap(Optional::stream)
                .map(end ->
                        Duration.between(end.toInstant(), target.horizon().at()).plusSeconds(1))
                .max(Comparator.naturalOrder())
                .orElse(Duration.ZERO);
        Duration strays = found.partitions()
                .defaultPartition()
                .filter(Partition::indexed)
                .flatMap(partition -> overdueRows(target.with(target.table().partition(partition))))
                .orElse(Duration.ZERO);
        return overdue.compareTo(strays) > 0 ? overdue : strays;
    }

    private <T> T ask(Function<Session, T> question) {
        Settings settings = database.defaults().statementTimeout(QUERY_TIMEOUT).with("enable_seqscan", "off");
        return database.transaction(settings, question);
    }
}
