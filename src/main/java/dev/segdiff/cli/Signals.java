package dev.segdiff.cli;

import dev.segdiff.db.Cancellation;
import java.util.List;
import sun.misc.Signal;

/** What Kubernetes and people send to end a process. */
final class Signals {
    private Signals() {}

    /**
     * SIGTERM and SIGINT ask the run to end, instead of shutting the JVM down beneath it: the run closes its ledger row
     * and the command ends with 75. A second signal ends the process at once.
     */
    static void cancelOnTermination(Cancellation cancellation) {
        for (String name : List.of("TERM", "INT")) {
            Signal.handle(new Signal(name), signal -> {
                if (cancellation.isRequested()) {
                    Runtime.getRuntime().halt(128 + signal.getNumber());
                }
                cancellation.request("SIG" + signal.getName());
            });
        }
    }
}
