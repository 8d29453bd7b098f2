package dev.segdiff.server.live;

import dev.segdiff.run.Job;
import dev.segdiff.run.Jobs;
import dev.segdiff.run.LogicalDay;
import dev.segdiff.run.RunConfig;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.RunOrigin;
import dev.segdiff.run.RunRequest;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.LocalDate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Starts a run that somebody asks for over HTTP, through the API or the page. */
@ApplicationScoped
public class RunNow {
    private final Jobs jobs;
    private final LiveRuns runs;
    private final LogicalDay days;
    private final RunConfig config;

    public RunNow(Jobs jobs, LiveRuns runs, LogicalDay days, RunConfig config) {
        this.jobs = jobs;
        this.runs = runs;
        this.days = days;
        this.config = config;
    }

    /**
     * The options of a run, the same as those of {@code segdiff run}.
     *
     * @param day the logical day; null: today
     * @param accept the names of what a person lets through once
     */
    public record RunOptions(@Nullable LocalDate day, boolean dryRun, boolean force, List<String> accept) {
        public static final RunOptions PLAIN = new RunOptions(null, false, false, List.of());
        public static final RunOptions DRY = new RunOptions(null, true, false, List.of());
    }

    /**
     * Starts a run.
     *
     * @param name the name of the job
     * @param actor the name of the token that asked
     * @param requestId the id of the HTTP request
     * @throws NotThereException if there is no such job
     * @throws JobBusyException if the job runs already
     * @throws StoppingException if the process is about to end
     * @throws dev.segdiff.db.InvalidInputException if the job cannot serve the request
     */
    public RunContext start(String name, RunOptions options, String actor, String requestId) {
        Job job = jobs.find(name).orElseThrow(() -> new NotThereException(jobs.unknown(name)));
        RunRequest request = new RunRequest(
                RunOrigin.http(actor, requestId),
                days.orToday(options.day()),
                options.force(),
                options.dryRun(),
                options.accept(),
                config.timeBudget());
        Jobs.check(List.of(job), request);
        return runs.start(job, request).orElseThrow();
    }
}
