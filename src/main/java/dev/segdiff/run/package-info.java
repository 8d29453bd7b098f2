/**
 * Everything about runs: a trigger asks for a job, the runner runs it, and a report and the ledger say what it did.
 * This package knows no job by name: CDI finds all classes that implement {@link dev.segdiff.run.Job}.
 */
package dev.segdiff.run;
