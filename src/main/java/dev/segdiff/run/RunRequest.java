package dev.segdiff.run;

import java.time.Duration;
import java.time.LocalDate;
import java.util.List;

/**
 * A request for a run, from the command line, a schedule or HTTP.
 *
 * @param origin where the request comes from
 * @param day the logical day of the run
 * @param force whether to do the work again although it is done for this day
 * @param dryRun whether to take the same steps without changing anything
 * @param accept the names of what a person lets through once; each job has its own form, such as 7/42
 * @param timeBudget the time after which the run stops itself
 */
public record RunRequest(
        RunOrigin origin, LocalDate day, boolean force, boolean dryRun, List<String> accept, Duration timeBudget) {}
