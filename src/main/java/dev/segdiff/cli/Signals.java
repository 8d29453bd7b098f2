package dev.segdiff.cli;

import dev.segdiff.db.Cancellation;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import sun.misc.Signal;

/** What Kubernetes and people send to end a process. */
final class Signals {
    private Signals() {}

    /**
     * SIGTERM and SIGINT ask the run to end, instead of shutting the JVM down beneath it: the run closes its ledger row
     * and the command ends with 75. A second signal ends the process at once.
     */
    static void cancelOnTermination(Cancellation cancellation) {
        onTermination(cancellation::request);
    }

    /** The first signal asks, a second one ends the process at once. */
    static void onTermination(Consumer<String> ask) {
        AtomicBoolean asked = new AtomicBoolean();
        for (String name : List.of("TERM", "INT")) {
            Signal.handle(new Signal(name), signal -> {
                if (asked.getAndSet(true)) {
                    Runtime.getRuntime().halt(128 + signal.getNumber());
                }
                ask.accept("SIG" + signal.getName());
            });
        }
    }
}
