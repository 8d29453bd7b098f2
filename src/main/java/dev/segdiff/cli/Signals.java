package dev.segdiff.cli;

import dev.segdiff.db.Cancellation;
import java.io.File;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;
import sun.misc.Signal;

/**
 * Handles the signals with which Kubernetes and people end a process. The first signal ends the process, whenever it
 * comes. A command that has begun is asked to end in an orderly way. Before that, the process ends at once, as nothing
 * has begun. A second signal ends the process at once in any case.
 */
public final class Signals {
    /** The names of the signals. The last one is sent when a terminal is closed, and does not exist on Windows. */
    private static final List<String> NAMES =
            File.separatorChar == '/' ? List.of("TERM", "INT", "HUP") : List.of("TERM", "INT");

    /** The exit code of a process that a signal has ended is this number plus the number of the signal. */
    private static final int SIGNALLED = 128;

    private static final AtomicBoolean received = new AtomicBoolean();

    /** How a command that has begun is asked to end; null: no command has begun. */
    private static @Nullable Consumer<String> ask;

    /**
     * What is called before the process ends if no command has begun. It is given the exit code of a process that the
     * signal has ended, and returns the real one.
     */
    private static IntUnaryOperator end = signalled -> signalled;

    private Signals() {}

    /**
     * Begins to handle signals. It is the first call of the program, and from then on no signal is lost.
     *
     * @param whileNothingHasBegun cleans up and returns the exit code; it is given the exit code of a process that a
     *     signal has ended
     */
    public static synchronized void listen(IntUnaryOperator whileNothingHasBegun) {
        end = whileNothingHasBegun;
        handle();
    }

    /**
     * Handles signals again after Quarkus has started. In a native executable, Quarkus installs handlers of its own,
     * which shut the process down while the command still runs and then wait for the command to end.
     */
    static void handle() {
        NAMES.forEach(name -> Signal.handle(new Signal(name), signal -> received(signal.getNumber())));
    }

    /**
     * Receives a signal from Quarkus' own handlers, while they are installed. The exit code is 128 plus the number of
     * the signal.
     */
    public static void receivedByQuarkus(int exitCode) {
        received(exitCode - SIGNALLED);
    }

    /**
     * Lets signals cancel a run. The run then closes its row in the ledger and the command ends with 75; otherwise the
     * JVM would shut down while the run still works.
     */
    static void cancelOnTermination(Cancellation cancellation) {
        onTermination(cancellation::request);
    }

    /** Lets the first signal from now on ask this command to end. */
    static synchronized void onTermination(Consumer<String> command) {
        ask = command;
    }

    /**
     * Ends the process. It is the last call of the program. If a signal is ending the process at the same time, the
     * exit code is that of the signal.
     */
    public static synchronized void exit(int code) {
        System.exit(code);
    }

    private static void received(int number) {
        if (received.getAndSet(true)) {
            Runtime.getRuntime().halt(SIGNALLED + number);
        }
        endBy(number);
    }

    /**
     * Ends the process because of a signal. It holds the lock until the process has ended, so that no command begins
     * meanwhile.
     */
    private static synchronized void endBy(int number) {
        String name = NAMES.stream()
                .filter(known -> new Signal(known).getNumber() == number)
                .map(known -> "SIG" + known)
                .findFirst()
                .orElse("signal " + number);
        if (ask != null) {
            ask.accept(name);
        } else {
            Errors.print(new PrintWriter(System.err, true), "interrupted: " + name);
            Runtime.getRuntime().halt(end.applyAsInt(SIGNALLED + number));
        }
    }
}
