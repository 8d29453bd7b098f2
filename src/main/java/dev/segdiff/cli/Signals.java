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
 * What Kubernetes and people send to end a process. The first signal ends it, whenever it comes: a command that has begun
 * is asked to end in order, and before that, as nothing has begun, the process ends at once. A second signal ends the
 * process at once in any case.
 */
public final class Signals {
    /** The last is that of a terminal that was closed; Windows has none. */
    private static final List<String> NAMES =
            File.separatorChar == '/' ? List.of("TERM", "INT", "HUP") : List.of("TERM", "INT");

    /** Added to the number of a signal, it is the exit code of a process that the signal ended. */
    private static final int SIGNALLED = 128;

    private static final AtomicBoolean received = new AtomicBoolean();

    /** What a command that has begun wants to hear instead. */
    private static @Nullable Consumer<String> ask;

    /** What ends the process otherwise, given the exit code of a process that the signal ended. */
    private static IntUnaryOperator end = signalled -> signalled;

    private Signals() {}

    /**
     * The very first thing: from now on no signal is lost.
     *
     * @param whileNothingHasBegun cleans up, and tells the exit code; it is given that of a process that a signal ended
     */
    public static synchronized void listen(IntUnaryOperator whileNothingHasBegun) {
        end = whileNothingHasBegun;
        handle();
    }

    /**
     * Handles signals again after Quarkus has started: in an executable it installs handlers of its own, which shut the
     * process down beneath the command and wait for the command to end.
     */
    static void handle() {
        NAMES.forEach(name -> Signal.handle(new Signal(name), signal -> received(signal.getNumber())));
    }

    /** What Quarkus' own handlers hand over while they are there: 128 and the number of the signal. */
    public static void receivedByQuarkus(int exitCode) {
        received(exitCode - SIGNALLED);
    }

    /** The run closes its ledger row and the command ends with 75, instead of a JVM that shuts down beneath it. */
    static void cancelOnTermination(Cancellation cancellation) {
        onTermination(cancellation::request);
    }

    /** From now on the first signal asks this command to end. */
    static synchronized void onTermination(Consumer<String> command) {
        ask = command;
    }

    /** The last thing: whoever ends the process because of a signal does so with the exit code of the signal. */
    public static synchronized void exit(int code) {
        System.exit(code);
    }

    private static void received(int number) {
        if (received.getAndSet(true)) {
            Runtime.getRuntime().halt(SIGNALLED + number);
        }
        endBy(number);
    }

    /** Holds the lock until the process has ended, so that no command begins meanwhile. */
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
