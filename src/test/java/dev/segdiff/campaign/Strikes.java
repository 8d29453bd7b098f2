package dev.segdiff.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.OwnServer;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Segdiff.Ended;
import dev.segdiff.support.Served;
import dev.segdiff.support.TcpProxy;
import dev.segdiff.support.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Starts a command, waits until it is in the middle of its work, and lets a fault befall it. */
final class Strikes {
    /** Segments that an undo puts back. */
    static final int UNDONE = 40;

    private final OwnServer server;
    private final TestDatabase db;
    private final Workload workload;
    private final Random random;
    private final FarReader reader;

    /** The run that is, or was, to be undone. */
    private String undone = "";

    Strikes(OwnServer server, TestDatabase db, Workload workload, Random random, FarReader reader) {
        this.server = server;
        this.db = db;
        this.workload = workload;
        this.random = random;
        this.reader = reader;
    }

    /** True if the fault hit an open run. */
    boolean strike(String what, Fault fault) throws Exception {
        String job = what.equals("serve") ? Victim.JOBS.get(random.nextInt(Victim.JOBS.size())) : what;
        boolean open;
        try (TcpProxy proxy = new TcpProxy("127.0.0.1", server.port())) {
            TestDatabase way = fault == Fault.NETWORK_CUT ? db.through(proxy.port()) : db;
            Victim victim = start(what, job, workload.segdiff("victim", way));
            try {
                victim.awaitOpen();
                victim.process.waitFor(random.nextInt(what.equals("undo") ? 40 : 200), TimeUnit.MILLISECONDS);
                open = victim.isOpen();
                reader.read();
                befall(victim, fault, proxy);
                if (fault == Fault.NETWORK_CUT) {
                    next(job, open);
                    if (random.nextBoolean()) {
                        proxy.resume();
                        live(victim, what.equals("serve") ? 500 : 3000);
                    }
                }
            } finally {
                victim.process.destroyForcibly().waitFor();
                if (way != db) {
                    way.close();
                }
            }
        }
        assertThat(Files.readString(workload.directory("victim").resolve("stderr")))
                .as("%s, %s", what, fault)
                .doesNotContain("\tat ");
        return open;
    }

    private Victim start(String what, String job, Segdiff segdiff) throws Exception {
        if (job.equals("index-maintenance")) {
            workload.bloat();
        }
        Path directory = workload.directory("victim");
        return switch (what) {
            case "undo" -> Victim.undo(segdiff, db, runToUndo());
            case "serve" -> Victim.serve(Served.start(segdiff, directory), db, job, workload.day());
            default -> Victim.run(segdiff, db, workload.arguments(job));
        };
    }

    private void befall(Victim victim, Fault fault, TcpProxy proxy) throws Exception {
        switch (fault) {
            case PROCESS_KILLED -> victim.process.destroyForcibly();
            case SESSIONS_ENDED -> {
                db.execute("""
                        select pg_terminate_backend(pid) from pg_stat_activity
                        where datname = current_database() and application_name = 'segdiff'
                        """);
                live(victim, 300);
            }
            case SERVER_STOPPED -> {
                server.stopImmediately();
                server.restart();
                live(victim, random.nextInt(1500));
            }
            case SERVER_KILLED -> {
                server.kill();
                server.restart();
                live(victim, random.nextInt(1500));
            }
            case NETWORK_CUT -> proxy.stall();
        }
    }

    /** Long enough to see its work through, or to be killed while it tries. */
    private static void live(Victim victim, int millis) throws InterruptedException {
        victim.process.waitFor(millis, TimeUnit.MILLISECONDS);
    }

    /** The next run takes over while the one that is cut off still believes that it works. */
    private void next(String job, boolean open) throws Exception {
        if (job.equals("undo")) {
            return;
        }
        long before = Victim.lastRun(db);
        Ended ended = helper().run(workload.arguments(job));
        assertThat(ended.exitCode()).as("the next run of %s: %s", job, ended).isIn(0, 75);
        if (open) {
            assertThat(db.value("select outcome from segdiff.runs where run_id > %d order by run_id limit 1"
                            .formatted(before)))
                    .as("the next run of %s: %s", job, ended)
                    .isNotEqualTo("SKIPPED");
        }
    }

    /** Undisturbed, it has moved a number of segments to the trash. */
    private String runToUndo() throws Exception {
        undisturbed("run", "snapshot-cleanup");
        workload.snapshots(9, UNDONE);
        undisturbed("run", "snapshot-cleanup");
        undone = String.valueOf(Victim.lastRun(db));
        return undone;
    }

    /** What an undo that was hit has not put back, the next one does. */
    void finishUndo() throws Exception {
        undisturbed("undo", undone, "--yes");
        assertThat(db.rows("select * from segdiff.trash where run_id = " + undone))
                .isEmpty();
        assertThat(db.value("select count(*) from segdiff.segments where customer_id = 9"))
                .isEqualTo(String.valueOf(UNDONE));
    }

    void undisturbed(String... arguments) throws Exception {
        Ended ended = helper().run(arguments);
        assertThat(ended.exitCode()).as(ended.toString()).isZero();
    }

    /** It is not hit, and keeps its lease also on a machine that is busy with other things. */
    private Segdiff helper() throws Exception {
        return workload.segdiff("helper").with("SEGDIFF_LEASE_DURATION", "30s");
    }
}
