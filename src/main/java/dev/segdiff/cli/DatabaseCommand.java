package dev.segdiff.cli;

import dev.segdiff.db.Migrations;
import jakarta.inject.Inject;
import java.util.concurrent.Callable;
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
        migrations.ensureCurrent();
        return execute();
    }

    /** The exit code. */
    abstract int execute();
}
