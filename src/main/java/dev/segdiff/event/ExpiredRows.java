package dev.segdiff.event;

import dev.segdiff.db.Database;
import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Session;
import dev.segdiff.db.Settings;
import dev.segdiff.event.EventQueries.Left;
import dev.segdiff.pace.BatchLoop;
import dev.segdiff.pace.Batches;
import dev.segdiff.pace.LockMode;
import dev.segdiff.table.TimeQueries;
import dev.segdiff.table.TimeWalk;
import dev.segdiff.table.TimeWalk.Done;
import dev.segdiff.table.TimeWalk.Range;
import dev.segdiff.table.TimeWalk.Slice;
import dev.segdiff.table.TimedTable;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Deletes the expired rows of one plain table, or of one partition, in batches, the oldest first. */
@ApplicationScoped
class ExpiredRows {
    private final Database database;
    private final EventQueries queries;
    private final Batches batches;

    ExpiredRows(Database database, EventQueries queries, Batches batches) {
        this.database = database;
        this.queries = queries;
        this.batches = batches;
    }

    /**
     * The cursor of a policy: the value that the last run has reached, and from which the next run continues. Null if
     * the next run begins at the first row.
     */
    @Nullable
    String cursor(EventPolicy policy) {
        return database.transaction(session -> queries.cursor(session, policy)).orElse(null);
    }

    /**
     * Deletes the expired rows: first the rows from the cursor on, then those of them that were locked, then the rows
     * before the cursor.
     *
     * @param maxRows the largest number of rows to delete
     * @return how many more rows this run may delete
     */
    long delete(PolicyRun run, @Nullable String cursor, long maxRows) {
        BatchLoop loop = batches.loop(run.run(), run.gate(), run.policy().subject(), "expired")
                .atMost(maxRows)
                .tuned(settings -> tuned(settings, run.table()));
        Deletion deletion = new Deletion(run, loop);
        TimeWalk walk = new TimeWalk(run.table(), loop, deletion);
        if (run.table().indexed()) {
            walk.along(new Range(
                    cursor, run.target().horizon().value(), run.target().expired(), true));
        } else {
            walk.wholeTable(run.target().expired());
        }
        lookAgain(run, walk);
        deletion.tell();
        return loop.left();
    }

    private static Settings tuned(Settings settings, TimedTable table) {
        // With segdiff's default row_security=off, PostgreSQL refuses to read a table whose row security hides rows.
        // The event table is no such table, or its policy would have been refused. But its triggers may read such ones.
        Settings batch = settings.with("row_security", "on");
        // If half of the table has expired, the planner may prefer to read the whole table for every batch.
        return table.indexed() ? batch.with("enable_seqscan", "off") : batch;
    }

    private static void lookAgain(PolicyRun run, TimeWalk walk) {
        try {
            walk.lookAgain();
        } catch (DatabaseException e) {
            if (!e.isCancelled()) {
                throw e;
            }
            run.problem(": looking for rows behind the cursor takes too long; vacuum "
                    + run.table().table().plain());
        }
    }

    /** What a batch does with its rows: it deletes them. */
    private final class Deletion implements TimeWalk.Work {
        private final PolicyRun run;
        private final BatchLoop loop;
        private final KeptRows kept = new KeptRows();
        private final AtomicBoolean recorded = new AtomicBoolean();

        Deletion(PolicyRun run, BatchLoop loop) {
            this.run = run;
            this.loop = loop;
        }

        @Override
        public Done apply(Session session, Slice slice, LockMode locks) {
            if (run.dryRun()) {
                return pretend(session, slice);
            }
            long rows = deleted(session, slice, locks);
            // The batch has deleted all its rows, or as many as max-rows allows. Rows beyond max-rows have no cause
            // that keeps them.
            boolean whole = rows >= slice.limit() || locks == LockMode.LEAVE_ALONE;
            Left left = whole ? Left.NOTHING : queries.left(session, run.table(), slice.where());
            boolean holdsUp = queries.endBatch(session, run.policy(), slice.reached(), rows);
            return new Done(rows, left.locked(), left.kept(), holdsUp);
        }

        private long deleted(Session session, Slice slice, LockMode locks) {
            boolean limited = slice.found() == 0 && loop.isCapped();
            return switch (locks) {
                case LEAVE_ALONE -> 0;
                case SKIP_LOCKED -> queries.deleteUnlocked(session, run.target(), slice);
                case WAIT ->
                    limited
                            ? queries.deleteUnlocked(session, run.target(), slice)
                            : queries.delete(session, run.target(), slice.where());
            };
        }

        /** A dry run: counts the rows that would go, and records the statements of the first batch. */
        private Done pretend(Session session, Slice slice) {
            if (recorded.compareAndSet(false, true)) {
                queries.recordDryRun(run, slice.where());
            }
            long rows = slice.found() == 0 ? TimeQueries.countRows(session, run.table(), slice.where()) : slice.limit();
            return new Done(rows, 0, Map.of(), false);
        }

        @Override
        public void reached(String value) {
            run.run().inTransaction(database, session -> queries.saveCursor(session, run.policy(), value));
        }

        @Override
        public void kept(Map<String, Long> rowsByCause) {
            kept.add(rowsByCause);
        }

        void tell() {
            if (!kept.isEmpty()) {
                database.inTransaction(session -> kept.tell(run, session));
            }
        }
    }
}
