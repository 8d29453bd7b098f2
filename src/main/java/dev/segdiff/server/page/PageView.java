package dev.segdiff.server.page;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The content of the page, in words. The template only arranges it.
 *
 * @param fault what is wrong with the database; then the rest of the page is what was known before, or empty
 */
record PageView(
        Viewer viewer,
        @Nullable String fault,
        boolean live,
        List<JobCard> jobs,
        List<TrendRow> trends,
        List<BacklogRow> backlogs,
        List<IndexRow> indexes) {
    /**
     * The person who looks at the page.
     *
     * @param formKey the key that forms carry, so that no other site can send them
     * @param loggedIn whether the person has logged in; false if no token is needed
     */
    public record Viewer(String name, boolean mayRun, boolean loggedIn, String formKey) {}

    /**
     * A job on the page.
     *
     * @param mood the state of the goal: well, missed or unknown
     * @param strip the last runs of the job, the oldest first
     * @param live the run in progress; null: none
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
     * A run as a cell of the strip.
     *
     * @param kind the outcome in lower case, for its colour
     * @param sign a sign for the outcome, for readers who do not see the colour
     */
    record Cell(long runId, String kind, String sign, String title) {}

    /** A run in progress, in this process or elsewhere. */
    record LiveRun(long runId, String since, String counts) {}
}
