package dev.segdiff.run;

import dev.segdiff.db.DatabaseException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * The thread beside a run. It records regularly that the run lives, renews the run's lease, and ends the run when a
 * person asks for that or the time budget is used up.
 */
final class Heartbeat implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(Heartbeat.class);

    /**
     * How often a listener, such as the progress line of a terminal, is told about the run. 200 ms look like continuous
     * progress.
     */
    private static final long PROGRESS_MILLIS = 200;

    private final RunLedger ledger;
    private final Leases leases;
    private final RunContext run;
    private final ScheduledExecutorService clock;

    private Heartbeat(RunLedger ledger, Leases leases, RunContext run) {
        this.ledger = ledger;
        this.leases = leases;
        this.run = run;
        this.clock = Executors.newSingleThreadScheduledExecutor(work -> {
            Thread thread = new Thread(work, "segdiff-run-" + run.runId());
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Starts a heartbeat, which beats until it is closed. */
    static Heartbeat of(RunLedger ledger, Leases leases, RunContext run, Consumer<RunContext> progress) {
        Heartbeat heartbeat = new Heartbeat(ledger, leases, run);
        // A lease lasts for six intervals or more. So four heartbeats in a row may fail, and the fifth still comes in
        // time to renew the lease.
        long interval = Math.max(
                1, Math.min(RunLedger.HEARTBEAT.toMillis(), leases.duration().toMillis() / 6));
        Duration budget = run.request().timeBudget();
        ScheduledExecutorService clock = heartbeat.clock;
        clock.scheduleAtFixedRate(heartbeat::beat, interval, interval, TimeUnit.MILLISECONDS);
        clock.scheduleAtFixedRate(() -> progress.accept(run), PROGRESS_MILLIS, PROGRESS_MILLIS, TimeUnit.MILLISECONDS);
        clock.schedule(
                () -> run.endForGood("time budget of " + budget + " used up"),
                budget.toMillis(),
                TimeUnit.MILLISECONDS);
        return heartbeat;
    }

    private void beat() {
        try {
            Lease lease = run.lease();
            if (lease != null && !leases.renew(lease)) {
                run.cancellation().request("lost the lease to " + leases.holder(lease.job()));
            }
            ledger.beat(run).ifPresent(by -> run.endForGood("stopped by " + by));
        } catch (DatabaseException e) {
            LOG.warnf("run %d: heartbeat failed: %s", run.runId(), e.getMessage());
        } catch (RuntimeException e) {
            // An exception that leaves this method would end all later beats, and nobody would renew the lease.
            LOG.errorf(e, "run %d: heartbeat failed", run.runId());
        }
    }

    /**
     * Waits for a beat in progress. Otherwise the beat could renew a lease that has just been released, or overwrite
     * the final counts.
     */
    @Override
    public void close() {
        clock.shutdownNow();
        try {
            if (!clock.awaitTermination(RunLedger.HEARTBEAT.toSeconds(), TimeUnit.SECONDS)) {
                LOG.warnf("run %d: a heartbeat hangs", run.runId());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
