package dev.segdiff.cli;

import dev.segdiff.db.TableName;
import dev.segdiff.segment.SegmentKey;
import dev.segdiff.segment.SegmentRegistry;
import jakarta.inject.Inject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "add", description = "Registers a segment.")
final class SegmentsAddCommand extends DatabaseCommand {
    @Inject
    SegmentRegistry registry;

    @Mixin
    SegmentsCommand.Key key;

    @ArgGroup(multiplicity = "1")
    Origin origin = new Origin();

    /** The two options that say where the ids come from, of which exactly one must be given. */
    static final class Origin {
        @Option(
                names = "--source",
                paramLabel = "RELATION",
                description = "table, view or foreign table with a column contact_id; its columns customer_id and"
                        + " segment_id, where it has them, select the segment")
        @Nullable
        String source;

        @Option(names = "--upload", description = "a producer loads the ids with `segments load`")
        boolean upload;
    }

    @Option(
            names = "--row-security",
            description = "read only the rows that row level security shows to the database role;"
                    + " without this option, a source that hides rows fails")
    boolean rowSecurity;

    @Override
    int execute() {
        SegmentKey segment = key.get();
        boolean added =
                registry.add(segment, origin.source == null ? null : TableName.parse(origin.source), rowSecurity);
        if (json) {
            output.json(registry.show(segment));
        } else {
            output.line("segment " + segment + (added ? " added" : " was registered before"));
        }
        return 0;
    }
}
