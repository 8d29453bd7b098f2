package dev.segdiff.server.page;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the page shows, in words: the template only arranges it.
 *
 * @param fault what is wrong with the database; then the rest is what was known before, or nothing
 */
public record PageView(
        Viewer viewer,
        @Nullable String fault,
        boolean live,
        List<JobCard> jobs,
        List<TrendRow> trends,
        List<BacklogRow> backlogs,
        List<IndexRow> indexes) {
    /**
     * Who looks.
     *
     * @param formKey what forms carry, so that no other site can send them
     * @param loggedIn false where no token is needed
     */
    public record Viewer(String name, boolean mayRun, boolean loggedIn, String formKey) {}

    /**
     * A job.
     *
     * @param mood well, missed or unknown
     * @param strip its last runs, the oldest first
     * @param live the run that lives, if one does
     */
    record JobCard(
            String name,
            String mood,
            String badge,
            String summary,
            List<String> details,
            List<String> problems,
            String lastSuccess,
            String nextRun,
            @Nullable String paused,
            List<Cell> strip,
            @Nullable LiveRun live) {}

    /**
     * A run as a cell.
     *
     * @param kind the outcome in lower case, for its colour
     * @param sign the same without colour
     */
    record Cell(long runId, String kind, String sign, String title) {}

    /** A run that lives, wherever it does. */
    record LiveRun(long runId, String since, String counts) {}
}
