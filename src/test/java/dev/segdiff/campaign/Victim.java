package dev.segdiff.campaign;

import dev.segdiff.support.Await;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Served;
import dev.segdiff.support.TestDatabase;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.LocalDate;
import java.util.List;

/** A command under way, and whether it is in the middle of its work: that is what faults are aimed at. */
abstract class Victim {
    static final List<String> JOBS = List.of("segment-diff", "snapshot-cleanup", "event-expiry", "index-maintenance");

    static final List<String> ALL =
            List.of("segment-diff", "snapshot-cleanup", "event-expiry", "index-maintenance", "undo", "serve");

    final Process process;

    Victim(Process process) {
        this.process = process;
    }

    /** Whether its work has begun and not ended. */
    abstract boolean isOpen();

    /** Until it is in the middle of its work, or that is over. */
    void awaitOpen() {
        Await.until("it works or has ended", () -> isOpen() || !process.isAlive());
    }

    /** A run of its own process, known by its row in the ledger. */
    private static final class OfLedger extends Victim {
        private final TestDatabase db;
        private final long after;

        OfLedger(Process process, TestDatabase db, long after) {
            super(process);
            this.db = db;
            this.after = after;
        }

        @Override
        boolean isOpen() {
            return db.value("select exists (select from segdiff.runs where ended_at is null and run_id > %d)"
                            .formatted(after))
                    .equals("t");
        }
    }

    /** An undo, which has no row in the ledger; known by what it has put back. */
    private static final class OfTrash extends Victim {
        private final TestDatabase db;
        private final String state;

        OfTrash(Process process, TestDatabase db, String run) {
            super(process);
            this.db = db;
            this.state = "select count(*) from segdiff.trash where moved_at is not null and run_id = " + run;
        }

        @Override
        boolean isOpen() {
            int left = Integer.parseInt(db.value(state));
            return left > 0 && left < Strikes.UNDONE && process.isAlive();
        }
    }

    static long lastRun(TestDatabase db) {
        return Long.parseLong(db.value("select coalesce(max(run_id), 0) from segdiff.runs"));
    }

    static Victim run(Segdiff segdiff, TestDatabase db, String... arguments) throws IOException {
        long after = lastRun(db);
        return new OfLedger(segdiff.start(arguments), db, after);
    }

    static Victim undo(Segdiff segdiff, TestDatabase db, String run) throws IOException {
        return new OfTrash(segdiff.start("undo", run, "--yes"), db, run);
    }

    /** A server that is asked for a run. */
    static Victim serve(Served served, TestDatabase db, String job, LocalDate day) {
        long after = lastRun(db);
        String body = "{\"day\":\"%s\"}".formatted(day);
        HttpResponse<String> answer =
                served.send("POST", "/api/jobs/" + job + "/runs", body, "Content-Type", "application/json");
        if (answer.statusCode() != 202) {
            throw new AssertionError(answer.statusCode() + " " + answer.body());
        }
        return new OfLedger(served.process(), db, after);
    }
}
