package dev.segdiff.cli;

/** A command that ends in order when a signal asks it to, with an exit code of its own. */
interface Interruptible {
    /** The exit code of the command when it was interrupted; also when it was before it began. */
    default int interruptedExitCode() {
        return Errors.INTERRUPTED;
    }
}
