package dev.segdiff.server.live;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.CancelledException;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.run.Job;
import dev.segdiff.run.JobRunner;
import dev.segdiff.run.RunContext;
import dev.segdiff.run.RunRequest;
import dev.segdiff.run.Trigger;
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

/** The runs of this process, in the background; of each job one at a time. */
@ApplicationScoped
public class LiveRuns {
    private static final Logger LOG = Logger.getLogger(LiveRuns.class);

    /** How long a statement may go on when the process is to end. */
    private static final Duration GRACE = Duration.ofSeconds(5);

    /** Cancelled statements end and the ledger rows are closed meanwhile; a container is killed after 30 s by default. */
    private static final Duration PATIENCE = GRACE.plusSeconds(3);

    private static final Duration POLL = Duration.ofMillis(10);

    /** A run that begins, or lives. */
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
     * @return the run; empty if another worker makes the run for this moment of the schedule
     * @throws JobBusyException if the job runs already
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
        // A schedule waits instead: the lease may be that of a worker that was killed.
        if (request.trigger().kind() == Trigger.Kind.HTTP && !request.dryRun()) {
            runner.runsElsewhere(job).ifPresent(holder -> {
                throw new JobBusyException(job.name() + " runs elsewhere: " + holder);
            });
        }
    }

    private void finish(Job job, RunContext run) {
        try {
            runner.finish(job, run, living -> {});
        } catch (DatabaseException | CancelledException e) {
            // Its row is closed by the next run of the job; a schedule makes up for it.
            LOG.errorf("run=%d job=%s could not be closed: %s", run.runId(), job.name(), e.getMessage());
        } catch (RuntimeException e) {
            LOG.errorf(e, "run=%d job=%s could not be closed", run.runId(), job.name());
        } finally {
            byJob.remove(job.name());
        }
    }

    /** The living run of a job in this process. */
    public Optional<RunContext> of(String job) {
        return Optional.ofNullable(byJob.get(job)).map(live -> live.run);
    }

    /** A living run of this process. */
    Optional<RunContext> find(long runId) {
        return byJob.values().stream()
                .flatMap(live -> Stream.ofNullable(live.run))
                .filter(run -> run.runId() == runId)
                .findFirst();
    }

    /** Takes no more runs, and ends those that begin or live; returns when they have ended, or after a while. */
    public void stop(String why) {
        stopping = true;
        byJob.values().forEach(live -> live.cancellation.request(why, GRACE));
        long deadline = System.nanoTime() + PATIENCE.toNanos();
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
