package dev.segdiff.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

@Command(
        name = "segdiff",
        mixinStandardHelpOptions = true,
        versionProvider = SegdiffCommand.Version.class,
        description = "Looks after a large PostgreSQL: turns segments into diffs, and deletes what has expired.",
        subcommands = {
            MigrateCommand.class,
            SegmentsCommand.class,
            RunCommand.class,
            RunsCommand.class,
            StatusCommand.class,
            ServeCommand.class,
            StopCommand.class,
            PauseCommand.class,
            ResumeCommand.class,
            LimitCommand.class,
            AuditCommand.class,
            UndoCommand.class,
            ExemptionsCommand.class,
            IndexCommand.class,
            PartitionCommand.class,
            DemoCommand.class,
        },
        footer = {
            "",
            "The database: QUARKUS_DATASOURCE_JDBC_URL, QUARKUS_DATASOURCE_USERNAME, QUARKUS_DATASOURCE_PASSWORD.",
            "With none set, the jar starts a PostgreSQL of its own that keeps its data in .segdiff/.",
            "",
            "Exit codes: 0 succeeded or skipped, 1 failed, 2 usage or configuration, 3 refused (a person is needed),",
            "75 interrupted (the next run continues)."
        })
final class SegdiffCommand {
    @Option(
            names = LOG_JSON,
            scope = ScopeType.INHERIT,
            description = "logs as JSON, a line each (also QUARKUS_LOG_CONSOLE_JSON_ENABLED=true)")
    boolean logJson;

    /** The option for a log in JSON. Main reads it before anything logs. */
    static final String LOG_JSON = "--log-json";

    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            try (InputStream in = SegdiffCommand.class.getResourceAsStream("/version.txt")) {
                return new String[] {
                    "segdiff " + new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8).strip()
                };
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
