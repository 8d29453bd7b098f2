package dev.segdiff.server;

import dev.segdiff.run.Job;
import dev.segdiff.run.LogicalDay;
import dev.segdiff.run.RunConfig;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.RunRequest;
import dev.segdiff.run.Trigger;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.LocalDate;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A run that somebody asks for over HTTP, through the API or the page. */
@ApplicationScoped
public class RunNow {
    private final LiveRuns runs;
    private final LogicalDay days;
    private final RunConfig config;

    public RunNow(LiveRuns runs, LogicalDay days, RunConfig config) {
        this.runs = runs;
        this.days = days;
        this.config = config;
    }

    /**
     * What is asked for; the same as the options of {@code segdiff run}.
     *
     * @param day the logical day; null: today
     * @param accept what a person lets through once; null: nothing
     */
    @RegisterForReflection
    public record Order(
            @Nullable LocalDate day,
            boolean dryRun,
            boolean force,
            @Nullable List<String> accept) {
        static final Order PLAIN = new Order(null, false, false, null);
        static final Order DRY = new Order(null, true, false, null);
    }

    /**
     * Starts a run.
     *
     * @param actor the name of the token
     * @param requestId of the HTTP request
     * @throws JobBusyException if the job runs already
     * @throws StoppingException if the process is about to end
     * @throws dev.segdiff.db.InvalidInputException if the job cannot serve the request
     */
    RunContext start(Job job, Order order, String actor, String requestId) {
        RunRequest request = new RunRequest(
                Trigger.http(actor, requestId),
                days.orToday(order.day()),
                order.force(),
                order.dryRun(),
                Objects.requireNonNullElse(order.accept(), List.of()),
                config.timeBudget());
        return runs.start(job, request).orElseThrow();
    }
}
