package dev.segdiff.cli;

/** A command that ends in an orderly way after a signal, with an exit code of its own. */
interface Interruptible {
    /** The exit code of the command if a signal interrupts it, even before it has begun. */
    default int interruptedExitCode() {
        return Errors.INTERRUPTED;
    }
}
