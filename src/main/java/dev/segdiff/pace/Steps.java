package dev.segdiff.pace;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Retry;
import dev.segdiff.db.Session;
import dev.segdiff.run.RunContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.BiPredicate;
import java.util.function.Function;

/**
 * Does the same step to each thing of a list, such as dropping each table, in a transaction of its own for each thing.
 * A thing that is locked is counted as busy and left for the next run. A thing that fails is reported. The others go
 * on.
 */
@ApplicationScoped
public class Steps {
    /**
     * The step that is done to each thing.
     *
     * @param count the name under which the run counts the step, such as "partitions_dropped"
     * @param subject the name of the thing for people
     * @param sql the statement that a dry run prints in place of the step
     * @param work does the step; returns false if there was nothing to do, and then the step does not count
     */
    public record Step<T>(
            String count, Function<T, String> subject, Function<T, String> sql, BiPredicate<Session, T> work) {
        /** A step that always has something to do, and so always counts. */
        public static <T> Step<T> of(
                String count, Function<T, String> subject, Function<T, String> sql, BiConsumer<Session, T> work) {
            return new Step<>(count, subject, sql, (session, thing) -> {
                work.accept(session, thing);
                return true;
            });
        }
    }

    private final Database database;

    public Steps(Database database) {
        this.database = database;
    }

    public <T> void each(RunContext run, Gate gate, List<T> things, Step<T> step) {
        for (T thing : things) {
            gate.pass();
            if (run.request().dryRun()) {
                run.wouldRun(step.sql().apply(thing));
                run.counts().add(step.count(), 1);
            } else {
                attempt(run, thing, step);
            }
        }
    }

    private <T> void attempt(RunContext run, T thing, Step<T> step) {
        try {
            boolean done = Retry.DEFAULT.run(
                    run.cancellation(),
                    Retry::exceptForLocks,
                    () -> run.transaction(database, session -> step.work().test(session, thing)));
            run.counts().add(step.count(), done ? 1 : 0);
        } catch (DatabaseException e) {
            run.stepFailed(step.subject().apply(thing), e, e.isLockTimeout());
        }
    }

    /**
     * Does one piece of work that makes its own transactions, or that must run outside a transaction. If another
     * session is in the way, or PostgreSQL refuses the work, the run reports this and goes on.
     *
     * @param subject the name of the thing for people, such as "partition public.event_2026_01"
     * @return true if the work succeeded
     */
    public static boolean attempt(RunContext run, String subject, Runnable work) {
        try {
            work.run();
            return true;
        } catch (DatabaseException e) {
            if (e.isCancelled()) {
                run.counts().add("busy", 1);
                run.problem(subject + " waits for transactions that began before; the next run finishes it");
            } else {
                run.stepFailed(subject, e, e.isNotReady() || e.isLockTimeout());
            }
        } catch (InvalidInputException e) {
            run.counts().add("refused", 1);
            run.problem(subject + " refused: " + e.getMessage());
        }
        return false;
    }
}
