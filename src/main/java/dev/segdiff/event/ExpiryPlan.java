package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import dev.segdiff.run.RunContext;
import dev.segdiff.table.TimedTable;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;

/** Looks at what a policy is about to remove, before the first row or partition goes. */
@ApplicationScoped
class ExpiryPlan {
    /** Each question is answered from an index or from statistics; an answer that takes longer is not waited for. */
    private static final Duration QUERY_TIMEOUT = Duration.ofSeconds(10);

    private final Database database;
    private final RetentionGuard guard;
    private final MassExpiry massExpiry;

    ExpiryPlan(Database database, RetentionGuard guard, MassExpiry massExpiry) {
        this.database = database;
        this.guard = guard;
        this.massExpiry = massExpiry;
    }

    /** Whether the policy may go on; if not, the run tells why and counts it as refused or held back. */
    boolean isSafe(RunContext run, EventPolicy policy, TimedTable table, String bound) {
        Optional<String> objection = ask(run, table, session -> guard.objection(session, table, bound));
        if (objection.isPresent()) {
            run.counts().add("refused", 1);
            run.problem("policy " + policy.name() + " refused: " + objection.get());
            return false;
        }
        if (run.request().accept().contains(policy.name())) {
            return true;
        }
        Optional<String> held = ask(run, table, session -> massExpiry.objection(session, policy, table, bound));
        held.ifPresent(why -> {
            run.counts().add("held_back", 1);
            run.problem(heldBack(policy, why));
        });
        return held.isEmpty();
    }

    static String heldBack(EventPolicy policy, String why) {
        return "policy %1$s is held back: %2$s; if that is right, let it through once: segdiff run event-expiry --accept %1$s"
                .formatted(policy.name(), why);
    }

    /** Each delete has the guard in it as well, so an answer that is late stops nothing. */
    private Optional<String> ask(RunContext run, TimedTable table, Function<Session, Optional<String>> question) {
        Settings reading = database.defaults().statementTimeout(QUERY_TIMEOUT);
        try {
            return database.transaction(
                    table.indexed() ? reading.with("enable_seqscan", "off") : reading, run.cancellation(), question);
        } catch (DatabaseException e) {
            if (e.isCancelled()) {
                return Optional.empty();
            }
            throw e;
        }
    }
}
