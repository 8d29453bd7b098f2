package dev.segdiff.cli;

import dev.segdiff.server.Serving;
import jakarta.inject.Inject;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** The command {@code serve}. Main sets up its HTTP port before anything starts. */
@Command(
        name = ServeCommand.NAME,
        mixinStandardHelpOptions = true,
        description = "Stays up: runs the jobs by schedule and on demand over HTTP, and tells how they stand.")
public final class ServeCommand implements Callable<Integer>, Interruptible {
    public static final String NAME = "serve";

    @Inject
    Serving serving;

    @Override
    public Integer call() {
        Signals.onTermination(signal -> serving.stop());
        serving.run();
        return 0;
    }

    /** A signal is the usual way to end this command, so the exit code is 0. */
    @Override
    public int interruptedExitCode() {
        return 0;
    }
}
