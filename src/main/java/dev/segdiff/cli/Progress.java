package dev.segdiff.cli;

import dev.segdiff.run.RunContext;
import java.util.function.Consumer;
import picocli.CommandLine.Help.Ansi;

/**
 * Shows the progress of something that a person waits for, such as a run, in one line on the terminal. Without a
 * terminal it shows nothing.
 */
final class Progress implements Consumer<RunContext>, AutoCloseable {
    private static final String ERASE_LINE = "\r\u001B[2K";

    private final boolean visible;

    private Progress(boolean visible) {
        this.visible = visible;
    }

    static Progress onTerminal() {
        return new Progress(Ansi.AUTO.enabled());
    }

    @Override
    public void accept(RunContext run) {
        show("run " + run.runId() + "  " + run.counts().snapshot());
    }

    void show(String text) {
        if (visible) {
            System.err.print(ERASE_LINE + text);
            System.err.flush();
        }
    }

    @Override
    public void close() {
        if (visible) {
            System.err.print(ERASE_LINE);
            System.err.flush();
        }
    }
}
