package dev.segdiff.table;

import dev.segdiff.db.DatabaseException;
import dev.segdiff.db.Session;
import dev.segdiff.pace.BatchLoop;
import dev.segdiff.pace.BatchSize;
import dev.segdiff.pace.LockMode;
import dev.segdiff.table.TimeQueries.Keys;
import dev.segdiff.table.TimeQueries.Pages;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Walks the rows of a table in batches, in the order of their time. A batch begins where the one before ended, so no
 * batch reads rows that an earlier batch has deleted. If more rows have the same time than fit into a batch, they are
 * walked page by page. Places where rows were locked are visited again at the end.
 */
public final class TimeWalk {
    /**
     * The largest number of places that are visited again in one run, so that the list of places stays small. The next
     * run visits all places anyway.
     */
    private static final int MAX_AGAIN = 1000;

    /** The work that is done with the rows, given by the caller of the walk. */
    public interface Work {
        /** Works on the rows of one batch, in the transaction that has found the rows. */
        Done apply(Session session, Slice slice, LockMode locks);

        /** Is called when the walk has come to the end of a range, if the range is {@link Range#remembered}. */
        void reached(String value);

        /**
         * Is told what keeps rows from being deleted, and how many rows each cause keeps. A row that is visited twice
         * is counted once.
         */
        void kept(Map<String, Long> rowsByCause);
    }

    /**
     * The rows of one batch.
     *
     * @param where the condition that selects the rows
     * @param recheck the condition that is tested again after a row was locked: a row whose time was changed in between
     *     is kept
     * @param limit the largest number of rows to work on
     * @param found the number of rows, if the walk has counted them already; 0 if the number is unknown
     * @param reached the value that the walk has reached after this batch, to be remembered; null if nothing is
     *     remembered
     */
    public record Slice(
            Where where,
            Where recheck,
            long limit,
            long found,
            @Nullable String reached) {}

    /**
     * What a batch has done.
     *
     * @param locked the number of rows that were passed over because another session has locked them
     * @param kept the number of rows that were not deleted, by the cause that keeps them
     * @param holdsUp whether another session waits for rows that the batch has locked
     */
    public record Done(long rows, long locked, Map<String, Long> kept, boolean holdsUp) {}

    /**
     * A part of the table that is walked.
     *
     * @param from the value at which the walk begins; null for the first row
     * @param also a further condition on the rows
     * @param remembered whether the caller saves how far the walk has come, as the cursor of a policy
     */
    public record Range(@Nullable String from, String until, Where also, boolean remembered) {}

    /**
     * Why the walk visits a place, and how this visit treats locked rows: the first visit, a visit of what lies before
     * the cursor, or a second visit of a place where rows were locked.
     */
    private enum Look {
        FIRST(LockMode.WAIT),
        BEHIND_CURSOR(LockMode.SKIP_LOCKED),
        AGAIN(LockMode.SKIP_LOCKED);

        private final LockMode locks;

        Look(LockMode locks) {
            this.locks = locks;
        }
    }

    /** @param tie whether more rows have the first value than fit into a batch; then nothing was done */
    private record Batch(@Nullable String first, @Nullable String next, boolean tie, Done done)
            implements BatchLoop.Done {
        @Override
        public boolean worked() {
            return first != null && !tie;
        }

        @Override
        public long rows() {
            return done.rows();
        }

        @Override
        public boolean holdsUp() {
            return done.holdsUp();
        }
    }

    private static final Done NOTHING = new Done(0, 0, Map.of(), false);

    private final TimedTable table;
    private final BatchLoop loop;
    private final Work work;
    private final BatchSize rowSize;
    private final BatchSize pageSize;
    private final List<Runnable> again = new ArrayList<>();

    public TimeWalk(TimedTable table, BatchLoop loop, Work work) {
        this.table = table;
        this.loop = loop;
        this.work = work;
        this.rowSize = loop.rows();
        this.pageSize = loop.pages();
    }

    /**
     * Walks along the index, from the beginning of the range on. If the range begins at a cursor, the rows before the
     * cursor are visited by {@link #lookAgain}.
     */
    public void along(Range range) {
        walk(range, Look.FIRST);
        if (range.from() != null) {
            Range behind = new Range(null, range.from(), range.also(), false);
            again.add(() -> walk(behind, Look.BEHIND_CURSOR));
        }
    }

    /** Walks all pages of a table that has no index on its time. */
    public void wholeTable(Where rows) {
        pages(rows, new Pages(0, table.pages()), Look.FIRST);
    }

    /**
     * Visits the places where rows were locked, then the rows before the cursor. Rows that are still locked stay for
     * the next run.
     */
    public void lookAgain() {
        List.copyOf(again).forEach(Runnable::run);
    }

    private void walk(Range range, Look look) {
        String start = range.from();
        boolean inclusive = true;
        while (loop.left() > 0) {
            String at = start;
            Where lower = Where.from(table, at, inclusive);
            Batch batch = loop.run(
                    rowSize, look.locks, (session, size, locks) -> slice(session, new Rest(range, lower), size, locks));
            if (batch.first() == null) {
                reached(range);
                return;
            } else if (batch.tie()) {
                tie(batch.first(), look);
                start = batch.first();
                inclusive = false;
                continue;
            }
            String next = batch.next() == null ? range.until() : batch.next();
            Range here = new Range(at, next, range.also(), false);
            remember(batch, look, () -> walk(here, Look.AGAIN));
            if (batch.next() == null) {
                return;
            }
            start = next;
            inclusive = true;
        }
    }

    /** What is left of a range. */
    private record Rest(Range range, Where lower) {}

    private Batch slice(Session session, Rest rest, long size, LockMode locks) {
        Range range = rest.range();
        long wanted = Math.min(size, loop.left());
        // The condition has both ends of the range, because the cursor can lie above the end: after the retention was
        // raised, or with --day for a day in the past. Then there are no rows.
        Where all = rest.lower().and(Where.below(table, range.until())).and(range.also());
        Keys keys = TimeQueries.keys(session, table, all, wanted);
        String next = keys.next();
        if (keys.first() == null || keys.first().equals(next)) {
            return new Batch(keys.first(), next, keys.first() != null, NOTHING);
        }
        Where where = next == null ? all : rest.lower().and(Where.below(table, next));
        String reached = range.remembered() ? (next == null ? range.until() : next) : null;
        Slice slice = new Slice(where, where, Math.min(wanted, keys.rows()), keys.rows(), reached);
        return new Batch(keys.first(), next, false, work.apply(session, slice, locks));
    }

    /**
     * Walks the rows of one value page by page, because more rows have this value than fit into a batch. Example: all
     * rows of one date.
     */
    private void tie(String value, Look look) {
        Where at = Where.at(table, value);
        pages(at, pagesOf(at), look);
    }

    /** The pages with rows of one value; all pages of the table, if finding them takes longer than 10 s. */
    private Pages pagesOf(Where at) {
        try {
            return loop.ask(session -> TimeQueries.pagesOf(session, table, at));
        } catch (DatabaseException e) {
            if (!e.isCancelled()) {
                throw e;
            }
            return new Pages(0, table.pages());
        }
    }

    private void pages(Where rows, Pages pages, Look look) {
        for (long page = pages.from(); page < pages.until() && loop.left() > 0; ) {
            long at = page;
            long[] end = new long[1];
            Batch batch = loop.run(pageSize, look.locks, (session, size, locks) -> {
                end[0] = Math.min(pages.until(), at + size);
                Where where = Where.pages(at, end[0]).and(rows);
                Slice slice = new Slice(where, rows, loop.left(), 0, null);
                return new Batch("", "", false, work.apply(session, slice, locks));
            });
            Pages here = new Pages(at, end[0]);
            remember(batch, look, () -> pages(rows, here, Look.AGAIN));
            page = end[0];
        }
    }

    private void remember(Batch batch, Look look, Runnable visitAgain) {
        if (look != Look.AGAIN) {
            work.kept(batch.done().kept());
        }
        if (look != Look.FIRST) {
            loop.run().counts().add("locked", batch.done().locked());
        } else if (batch.done().locked() > 0 && again.size() < MAX_AGAIN) {
            again.add(visitAgain);
        }
    }

    private void reached(Range range) {
        if (range.remembered() && !loop.run().request().dryRun()) {
            work.reached(range.until());
        }
    }
}
