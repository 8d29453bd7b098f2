/**
 * What a run is: a job, asked for by a trigger, led by the runner, told by a report and the ledger. This room knows no
 * feature; jobs are found by CDI.
 */
package dev.segdiff.run;
