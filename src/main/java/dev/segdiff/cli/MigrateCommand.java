package dev.segdiff.cli;

import dev.segdiff.db.Migrations;
import dev.segdiff.db.Migrations.Applied;
import jakarta.inject.Inject;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "migrate",
        mixinStandardHelpOptions = true,
        description = "Brings the schema up to date and says what it applied.")
final class MigrateCommand implements Callable<Integer> {
    @Inject
    Migrations migrations;

    @Inject
    Output output;

    @Option(names = "--json", description = "JSON for programs")
    boolean json;

    @Override
    public Integer call() {
        List<Applied> applied = migrations.migrate();
        if (json) {
            output.json(applied);
        } else if (applied.isEmpty()) {
            output.line("The schema is up to date.");
        } else {
            applied.forEach(migration ->
                    output.line(("applied " + migration.version() + " " + migration.description()).replace("  ", " ")));
        }
        return 0;
    }
}
