package dev.segdiff.run;

import dev.segdiff.db.InvalidInputException;
import java.util.List;
import java.util.function.Function;

/** A job that does what a test wants. */
public record TestJob(boolean exclusive, Function<RunContext, Result> work) implements Job {
    @Override
    public String name() {
        return "chore";
    }

    @Override
    public int order() {
        return 1;
    }

    @Override
    public String cron() {
        return "0 3 * * *";
    }

    @Override
    public void check(RunRequest request) {
        if (!request.accept().isEmpty()) {
            throw new InvalidInputException("nothing to accept");
        }
    }

    @Override
    public Result run(RunContext context) {
        return work.apply(context);
    }

    @Override
    public Goal goal() {
        return new Goal(true, "", List.of(), List.of(), List.of());
    }
}
