package dev.segdiff.cli;

import dev.segdiff.audit.AuditFilter;
import dev.segdiff.db.TableName;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "audit",
        mixinStandardHelpOptions = true,
        description = "The history of small, important tables: who changed what, and undo.",
        subcommands = {
            AuditEnableCommand.class,
            AuditDisableCommand.class,
            AuditListCommand.class,
            AuditLogCommand.class,
            AuditUndoCommand.class,
            AuditRedoCommand.class,
        })
final class AuditCommand {
    private AuditCommand() {}

    /** The parameter that names the table. */
    static final class Target {
        @Parameters(paramLabel = "TABLE", description = "such as app.shard or \"My App\".\"Shard\"")
        String table = "";

        TableName get() {
            return TableName.parse(table);
        }
    }

    /** The options that select recorded changes. */
    static final class Filter {
        @Mixin
        Target target;

        @Option(names = "--tx", paramLabel = "N", description = "of this transaction, as the log numbers them")
        @Nullable
        Long transaction;

        @Option(names = "--run", paramLabel = "ID", description = "of this run of segdiff")
        @Nullable
        Long run;

        @Option(names = "--key", paramLabel = "K", description = "of this row: 17, id=17, a,b or {\"id\": 17}")
        @Nullable
        String key;

        @Option(names = "--since", paramLabel = "T", description = "since 2026-01-31 12:00, or for the last 2h")
        @Nullable
        String since;

        @Option(names = "--actor", paramLabel = "A", description = "made by: segdiff.actor, or the database role")
        @Nullable
        String actor;

        AuditFilter get() {
            return new AuditFilter(target.get(), transaction, run, key, since, actor);
        }
    }
}
