package dev.segdiff.event;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.TableName;
import dev.segdiff.run.RunConfig;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** Reads the policies from the configuration, and checks them. */
@ApplicationScoped
public class EventPolicies {
    /**
     * The names that a policy may have. The view for readers is named after the policy, and PostgreSQL cuts names off
     * after 63 bytes: the 7 characters of events_ and 40 characters of the policy fit.
     */
    private static final String NAME = "[a-z][a-z0-9_-]{0,39}";

    private final EventsConfig config;
    private final RunConfig runConfig;

    public EventPolicies(EventsConfig config, RunConfig runConfig) {
        this.config = config;
        this.runConfig = runConfig;
    }

    /**
     * All policies, in the order of their names.
     *
     * @throws InvalidInputException with all mistakes in the configuration of all policies
     */
    public List<EventPolicy> all() {
        List<String> faults = new ArrayList<>();
        List<EventPolicy> policies = new ArrayList<>();
        new TreeMap<>(config.policies()).forEach((name, policy) -> {
            List<String> wrong = faults(name, policy);
            if (wrong.isEmpty()) {
                policies.add(policy(name, policy));
            }
            faults.addAll(wrong);
        });
        if (!faults.isEmpty()) {
            throw new InvalidInputException(String.join("; ", faults));
        }
        return policies;
    }

    private static List<String> faults(String name, EventsConfig.Policy policy) {
        String prefix = "segdiff.events." + name;
        List<String> faults = new ArrayList<>();
        if (!name.matches(NAME)) {
            faults.add(prefix + ": expected a name of lower case letters, digits, _ and -, at most 40");
        }
        if (policy.table().isEmpty()) {
            faults.add(prefix + ".table is missing");
        }
        if (policy.timeColumn().isPresent() == policy.idColumn().isPresent()) {
            faults.add(prefix + ": expected time-column or id-column, got "
                    + (policy.timeColumn().isPresent() ? "both" : "neither"));
        }
        if (policy.retention().isEmpty()) {
            faults.add(prefix + ".retention is missing");
        } else if (!EventPolicy.isRetention(policy.retention().get())) {
            faults.add(prefix + ".retention is " + policy.retention().get()
                    + ", expected an hour or more, and 36500d (100 years) at most; to keep rows for ever, set "
                    + prefix + ".enabled=false");
        }
        if (policy.partitionsAhead() < 0 || policy.partitionsAhead() > 1000) {
            faults.add(prefix + ".partitions-ahead is " + policy.partitionsAhead() + ", expected 0 to 1000");
        }
        if (policy.maxRows().isPresent() && policy.maxRows().getAsLong() < 1) {
            faults.add(prefix + ".max-rows is " + policy.maxRows().getAsLong() + ", expected 1 or more");
        }
        if (policy.trashAfter().compareTo(Duration.ZERO) < 0) {
            faults.add(prefix + ".trash-after is " + policy.trashAfter() + ", expected 0 or more");
        }
        return faults;
    }

    private EventPolicy policy(String name, EventsConfig.Policy policy) {
        Optional<String> id = policy.idColumn();
        return new EventPolicy(
                name,
                TableName.parse(policy.table().orElseThrow()),
                id.orElseGet(() -> policy.timeColumn().orElseThrow()),
                id.isPresent(),
                policy.retention().orElseThrow(),
                policy.zone().orElse(runConfig.timeZone()),
                policy.enabled(),
                policy.requireIndex(),
                policy.maxRows(),
                policy.view(),
                policy.partitionsAhead(),
                policy.partitionInterval(),
                policy.trashAfter(),
                policy.maxShare());
    }
}
