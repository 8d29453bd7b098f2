/**
 * Everything about runs: a trigger asks for a job, the runner runs it, and a report and the ledger say what it did.
 * This room knows no feature; CDI finds the jobs.
 */
package dev.segdiff.run;
