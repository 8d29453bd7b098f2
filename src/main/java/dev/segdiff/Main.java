package dev.segdiff;

import dev.segdiff.cli.CommandLines;
import dev.segdiff.cli.EmbeddedFallback;
import dev.segdiff.cli.Signals;
import dev.segdiff.run.Jobs;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;
import io.quarkus.runtime.annotations.QuarkusMain;
import jakarta.inject.Inject;
import java.io.UncheckedIOException;
import java.util.OptionalInt;
import picocli.CommandLine;

/**
 * The entry of the program. It answers requests for help and mistakes by itself, without a database, and starts Quarkus
 * for everything else.
 */
@QuarkusMain
public final class Main {
    private Main() {}

    public static void main(String... args) {
        EmbeddedFallback embedded = new EmbeddedFallback();
        Signals.listen(signalled -> {
            embedded.close();
            return CommandLines.interruptedExitCode(signalled, args);
        });
        // This must be set before anything logs. Quarkus sets it too late for what happens before Quarkus.
        System.setProperty("java.util.logging.manager", "org.jboss.logmanager.LogManager");
        OptionalInt answered = CommandLines.answerWithoutDatabase(args);
        if (answered.isPresent()) {
            System.exit(answered.getAsInt());
        }
        CommandLines.prepare(args);
        try {
            embedded.openUnlessSet("quarkus.datasource.jdbc.url");
        } catch (UncheckedIOException e) {
            Signals.exit(CommandLines.startFailed(e));
        }
        Thread main = Thread.currentThread();
        Quarkus.run(
                Application.class,
                (exitCode, failure) -> {
                    if (Thread.currentThread() == main) {
                        int code = failure == null ? exitCode : CommandLines.startFailed(failure);
                        embedded.close();
                        Signals.exit(code);
                    } else {
                        Signals.receivedByQuarkus(exitCode);
                    }
                },
                args);
    }

    /** The command, with everything it needs injected. */
    public static final class Application implements QuarkusApplication {
        @Inject
        CommandLine.IFactory factory;

        @Inject
        Jobs jobs;

        @Override
        public int run(String... args) {
            return CommandLines.execute(factory, jobs.names(), args);
        }
    }
}
