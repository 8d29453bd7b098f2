package dev.segdiff.run;

/** Who asked for a run. */
public enum Trigger {
    /** The command line: a person or a CronJob. */
    COMMAND
}
