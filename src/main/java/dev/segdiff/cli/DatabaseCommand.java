package dev.segdiff.cli;

import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Migrations;
import jakarta.inject.Inject;
import java.util.List;
import java.util.concurrent.Callable;
import org.eclipse.microprofile.config.ConfigProvider;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A command on a database whose schema is current. */
@Command(mixinStandardHelpOptions = true)
abstract class DatabaseCommand implements Callable<Integer> {
    @Inject
    Migrations migrations;

    @Inject
    Output output;

    @Option(names = "--json", description = "JSON for programs")
    boolean json;

    @Override
    public final Integer call() {
        List<String> unknown = ConfigErrors.unknownKeys(ConfigProvider.getConfig());
        if (!unknown.isEmpty()) {
            throw new InvalidInputException("configuration: " + String.join("; ", unknown));
        }
        migrations.ensureCurrent();
        return execute();
    }

    /** The exit code. */
    abstract int execute();
}
