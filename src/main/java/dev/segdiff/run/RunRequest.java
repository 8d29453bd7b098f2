package dev.segdiff.run;

import java.time.Duration;
import java.time.LocalDate;
import java.util.List;

/**
 * What a trigger asks for.
 *
 * @param trigger where it comes from
 * @param day the logical day
 * @param force do it again although the day is done
 * @param dryRun take the same path and withhold the changes
 * @param accept what a person lets through once; each job knows its own form
 * @param timeBudget the run stops itself after this long
 */
public record RunRequest(
        Trigger trigger, LocalDate day, boolean force, boolean dryRun, List<String> accept, Duration timeBudget) {}
