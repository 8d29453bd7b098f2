package dev.segdiff;

import dev.segdiff.cli.CommandLines;
import dev.segdiff.cli.EmbeddedFallback;
import dev.segdiff.run.Jobs;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;
import io.quarkus.runtime.annotations.QuarkusMain;
import jakarta.inject.Inject;
import java.util.OptionalInt;
import picocli.CommandLine;

/** What the process does first: help and mistakes need no database; everything else starts Quarkus. */
@QuarkusMain
public final class Main {
    private Main() {}

    public static void main(String... args) {
        // Before anything logs; Quarkus sets it too late for what comes before it.
        System.setProperty("java.util.logging.manager", "org.jboss.logmanager.LogManager");
        OptionalInt answered = CommandLines.answerWithoutDatabase(args);
        if (answered.isPresent()) {
            System.exit(answered.getAsInt());
        }
        CommandLines.prepare(args);
        EmbeddedFallback embedded = EmbeddedFallback.where("quarkus.datasource.jdbc.url");
        Quarkus.run(
                Application.class,
                (exitCode, failure) -> {
                    int code = failure == null ? exitCode : CommandLines.startFailed(failure);
                    embedded.close();
                    System.exit(code);
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
