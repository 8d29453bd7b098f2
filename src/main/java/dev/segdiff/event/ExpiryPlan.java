package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;

/** Checks what a policy is about to remove, before the first row or partition goes. */
@ApplicationScoped
class ExpiryPlan {
    /**
     * The time limit of each query. The queries read an index or statistics; if a query takes longer than 10 s all the
     * same, its check is left out.
     */
    private static final Duration QUERY_TIMEOUT = Duration.ofSeconds(10);

    private final Database database;
    private final MassExpiry massExpiry;

    ExpiryPlan(Database database, MassExpiry massExpiry) {
        this.database = database;
        this.massExpiry = massExpiry;
    }

    /**
     * Whether the policy may go on. If it may not, the run reports why, and counts the policy as refused or held back.
     */
    boolean isSafe(PolicyRun run) {
        PolicyTable target = run.target();
        Optional<String> objection = ask(run, session -> target.guard()
                .objection(session, target.horizon().value()));
        if (objection.isPresent()) {
            run.run().counts().add("refused", 1);
            run.problem(" refused: " + objection.get());
            return false;
        }
        if (run.run().request().accept().contains(run.policy().name())) {
            return true;
        }
        Optional<String> held = ask(run, session -> massExpiry.objection(session, target));
        held.ifPresent(why -> {
            run.run().counts().add("held_back", 1);
            run.run().problem(heldBack(run.policy(), why));
        });
        return held.isEmpty();
    }

    static String heldBack(EventPolicy policy, String why) {
        return ("policy %1$s is held back: %2$s; if that is right, let it through once:"
                        + " segdiff run event-expiry --accept %1$s")
                .formatted(policy.name(), why);
    }

    /**
     * Runs one query of the check; empty if the query takes too long. No young row is in danger then, because each
     * delete contains the guard as well.
     */
    private Optional<String> ask(PolicyRun run, Function<Session, Optional<String>> question) {
        Settings reading = database.defaults().statementTimeout(QUERY_TIMEOUT);
        try {
            return database.transaction(
                    run.table().indexed() ? reading.with("enable_seqscan", "off") : reading,
                    run.run().cancellation(),
                    question);
        } catch (DatabaseException e) {
            if (e.isCancelled()) {
                return Optional.empty();
            }
            throw e;
        }
    }
}
