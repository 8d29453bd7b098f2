package dev.segdiff.server.live;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.CancelledException;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.run.Job;
import dev.segdiff.run.JobRunner;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.RunOrigin;
import dev.segdiff.run.RunRequest;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** The runs of this process, which run in the background. Each job has one run at a time. */
@ApplicationScoped
public class LiveRuns {
    private static final Logger LOG = Logger.getLogger(LiveRuns.class);

    /** How long a statement may continue after the process was asked to end. */
    private static final Duration GRACE = Duration.ofSeconds(5);

    /**
     * How long the process waits for its runs to end. In the 3 s after the grace, cancelled statements end and rows in
     * the ledger are closed. By default a container is killed after 30 s.
     */
    private static final Duration STOP_TIMEOUT = GRACE.plusSeconds(3);

    private static final Duration POLL = Duration.ofMillis(10);

    /** A run that is beginning or in progress. */
    private static final class Live {
        final Cancellation cancellation = new Cancellation();
        volatile @Nullable RunContext run;
    }

    private final JobRunner runner;
    private final Map<String, Live> byJob = new ConcurrentHashMap<>();
    private final ExecutorService executor = Executors.newCachedThreadPool(work -> new Thread(work, "segdiff-run"));
    private volatile boolean stopping;

    public LiveRuns(JobRunner runner) {
        this.runner = runner;
    }

    /**
     * Starts a run and does not wait for its end.
     *
     * @return the run; empty if another worker makes the run for this planned time of the schedule
     * @throws JobBusyException if the job runs in this process already, or, for a request over HTTP, if it runs
     *     elsewhere
     * @throws StoppingException if the process is about to end
     * @throws dev.segdiff.db.InvalidInputException if the job cannot serve the request
     */
    public Optional<RunContext> start(Job job, RunRequest request) {
        Live live = new Live();
        Live present = byJob.putIfAbsent(job.name(), live);
        if (present != null) {
            RunContext run = present.run;
            throw new JobBusyException(job.name() + " runs here" + (run == null ? "" : ": run " + run.runId()));
        }
        boolean started = false;
        try {
            refuseWhatRunsElsewhere(job, request);
            Optional<RunContext> run = runner.open(job, request, live.cancellation);
            if (run.isPresent()) {
                live.run = run.get();
                started = true;
                executor.execute(() -> finish(job, run.get()));
            }
            return run;
        } finally {
            if (!started) {
                byJob.remove(job.name());
            }
        }
    }

    private void refuseWhatRunsElsewhere(Job job, RunRequest request) {
        if (stopping) {
            throw new StoppingException();
        }
        // A scheduled run does not fail here, but waits: the lease may be that of a worker that was killed.
        if (request.origin().kind() == RunOrigin.Kind.HTTP && !request.dryRun()) {
            runner.runsElsewhere(job).ifPresent(holder -> {
                throw new JobBusyException(job.name() + " runs elsewhere: " + holder);
            });
        }
    }

    private void finish(Job job, RunContext run) {
        try {
            runner.finish(job, run, living -> {});
        } catch (DatabaseException | CancelledException e) {
            // The next run of the job closes this row, and a schedule makes up for the run.
            LOG.errorf("run=%d job=%s could not be closed: %s", run.runId(), job.name(), e.getMessage());
        } catch (RuntimeException e) {
            LOG.errorf(e, "run=%d job=%s could not be closed", run.runId(), job.name());
        } finally {
            byJob.remove(job.name());
        }
    }

    /** The run of a job that is in progress in this process. */
    public Optional<RunContext> of(String job) {
        return Optional.ofNullable(byJob.get(job)).map(live -> live.run);
    }

    /** A run that is in progress in this process, by its number. */
    Optional<RunContext> find(long runId) {
        return byJob.values().stream()
                .flatMap(live -> Stream.ofNullable(live.run))
                .filter(run -> run.runId() == runId)
                .findFirst();
    }

    /** Accepts no more runs, and asks those in progress to end. Returns when they have ended, or after 8 s. */
    public void stop(String why) {
        stopping = true;
        byJob.values().forEach(live -> live.cancellation.request(why, GRACE));
        long deadline = System.nanoTime() + STOP_TIMEOUT.toNanos();
        while (!byJob.isEmpty() && System.nanoTime() < deadline) {
            LockSupport.parkNanos(POLL.toNanos());
        }
        if (!byJob.isEmpty()) {
            LOG.warnf("runs that did not end in time: %s", byJob.keySet());
        }
        executor.shutdown();
    }

    public boolean isStopping() {
        return stopping;
    }
}
