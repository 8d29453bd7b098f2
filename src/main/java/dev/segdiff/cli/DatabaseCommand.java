package dev.segdiff.cli;

import dev.segdiff.db.Migrations;
import jakarta.inject.Inject;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A command that needs a database with a current schema. */
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
        migrations.ensureCurrent();
        return execute();
    }

    /** Does the work of the command, and returns the exit code. */
    abstract int execute();
}
