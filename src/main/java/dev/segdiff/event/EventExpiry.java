package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.event.PolicyCheck.CheckResult;
import dev.segdiff.pace.Gate;
import dev.segdiff.pace.Throttle;
import dev.segdiff.run.Counts;
import dev.segdiff.run.Goal;
import dev.segdiff.run.Job;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.Result;
import dev.segdiff.run.RunConfig;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.RunRequest;
import dev.segdiff.table.TimedTable;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * The job {@code event-expiry}, which keeps event tables inside their retention. Expired partitions go as a whole, and
 * the rows of plain tables go in batches. A policy whose table is not fit for expiry is refused, and the other policies
 * go on.
 */
@ApplicationScoped
public class EventExpiry implements Job {
    private static final Logger LOG = Logger.getLogger(EventExpiry.class);

    public static final String NAME = "event-expiry";

    private final Database database;
    private final RunConfig config;
    private final PolicyCheck check;
    private final PolicyExpiry expiry;
    private final DetachedPartitions detached;
    private final EventGoal goal;
    private final Throttle throttle;
    private final Supplier<List<EventPolicy>> policies;

    @Inject
    EventExpiry(
            Database database,
            RunConfig config,
            PolicyCheck check,
            PolicyExpiry expiry,
            DetachedPartitions detached,
            EventGoal goal,
            Throttle throttle,
            EventPolicies policies) {
        this(database, config, check, expiry, detached, goal, throttle, policies::all);
    }

    private EventExpiry(
            Database database,
            RunConfig config,
            PolicyCheck check,
            PolicyExpiry expiry,
            DetachedPartitions detached,
            EventGoal goal,
            Throttle throttle,
            Supplier<List<EventPolicy>> policies) {
        this.database = database;
        this.config = config;
        this.check = check;
        this.expiry = expiry;
        this.detached = detached;
        this.goal = goal;
        this.throttle = throttle;
        this.policies = policies;
    }

    /** The same job for other policies than those of the configuration, such as the policy of the demo. */
    public EventExpiry of(List<EventPolicy> others) {
        return new EventExpiry(database, config, check, expiry, detached, goal, throttle, () -> others);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int order() {
        return 30;
    }

    @Override
    public String cron() {
        return "30 2 * * *";
    }

    @Override
    public void check(RunRequest request) {
        // Reading the policies throws an exception if the configuration of one is wrong.
        LOG.debugf("policies=%d", policies.get().size());
    }

    /** Accepts the name of a policy, for {@code --accept} after the policy was held back. */
    @Override
    public boolean accepts(String name) {
        return policies.get().stream().anyMatch(policy -> policy.name().equals(name));
    }

    @Override
    public Result run(RunContext run) {
        List<EventPolicy> all = policies.get();
        Optional<String> fault = throttle.fault();
        if (fault.isPresent()) {
            return Result.of(Outcome.REFUSED, fault.get());
        }
        Instant now = database.now();
        List<PolicyTable> served = served(run, all, now);
        Gate gate = throttle.gate(this, run);
        gate.pass();
        served.forEach(target -> expire(new PolicyRun(run, gate, target)));
        detached.drop(run, gate, all);
        return result(run.counts(), all);
    }

    @Override
    public Goal goal() {
        return goal.read(policies.get());
    }

    /** Checks all policies, and returns those whose tables are fit for expiry. No table has been touched yet. */
    private List<PolicyTable> served(RunContext run, List<EventPolicy> all, Instant now) {
        Instant endOfDay = Horizon.endOf(run.request().day(), config.timeZone());
        List<PolicyTable> served = new ArrayList<>();
        for (EventPolicy policy : all) {
            if (!policy.enabled()) {
                run.counts().add("disabled", 1);
                continue;
            }
            CheckResult result = check.check(policy, all, now);
            TimedTable table = result.table();
            if (table != null) {
                served.add(new PolicyTable(policy, table, Horizon.of(policy, table.key(), now, endOfDay)));
            } else {
                run.counts().add(result.locked() ? "busy" : "refused", 1);
                String verdict = result.locked() ? " is locked: " : " refused: ";
                result.faults().forEach(problem -> run.problem(policy.subject() + verdict + problem));
            }
        }
        return served;
    }

    private void expire(PolicyRun run) {
        try {
            expiry.expire(run);
        } catch (DatabaseException e) {
            if (RunContext.isEndedBy(e)) {
                throw e;
            }
            run.run().counts().add(e.isLockTimeout() ? "busy" : "failed", 1);
            run.problem((e.isLockTimeout() ? " is locked: " : " failed: ") + e.getMessage());
        }
    }

    private static Result result(Counts counts, List<EventPolicy> all) {
        long done = counts.get("expired")
                + counts.get("eligible")
                + counts.get("partitions_detached")
                + counts.get("partitions_dropped")
                + counts.get("partitions_made");
        if (counts.get("failed") > 0) {
            return Result.of(Outcome.FAILED, "failed: " + counts.get("failed"));
        } else if (counts.get("batches_refused") + counts.get("kept") > 0) {
            return Result.of(Outcome.REFUSED, "rows that PostgreSQL does not let go; see the problems");
        } else if (counts.get("refused") > 0) {
            return Result.of(Outcome.REFUSED, "policies refused: " + counts.get("refused"));
        } else if (counts.get("held_back") > 0) {
            return Result.of(
                    Outcome.REFUSED,
                    "policies held back: " + counts.get("held_back")
                            + "; look at their tables, then let them through with --accept NAME");
        } else if (counts.get("busy") > 0) {
            return Result.of(Outcome.INTERRUPTED, "locked by others: " + counts.get("busy") + "; run again");
        } else if (all.isEmpty() && done == 0) {
            return Result.of(Outcome.SKIPPED, "no event policy is configured: see segdiff.events.NAME.table");
        } else if (!all.isEmpty() && counts.get("disabled") == all.size() && done == 0) {
            return Result.of(Outcome.SKIPPED, "disabled: segdiff.events.NAME.enabled is false");
        } else if (counts.get("capped") > 0) {
            return new Result(Outcome.SUCCEEDED, "row cap reached; the next run goes on");
        } else if (counts.get("locked") > 0) {
            return new Result(
                    Outcome.SUCCEEDED, "expired rows locked by others, left for the next run: " + counts.get("locked"));
        }
        return done > 0 ? Result.succeeded() : Result.of(Outcome.SKIPPED, "nothing has expired");
    }
}
