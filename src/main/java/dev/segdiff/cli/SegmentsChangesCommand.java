package dev.segdiff.cli;

import dev.segdiff.segment.SegmentReader;
import jakarta.inject.Inject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "changes",
        description = "Streams the net changes since a version; all members if the version is missing, or older than"
                + " the kept diffs.")
final class SegmentsChangesCommand extends DatabaseCommand {
    enum Format {
        table,
        csv,
        json
    }

    @Inject
    SegmentReader reader;

    @Mixin
    SegmentsCommand.Key key;

    @Option(names = "--since", paramLabel = "V", description = "the version read last; without it, all members")
    @Nullable
    Long since;

    @Option(names = "--format", defaultValue = "table", description = "${COMPLETION-CANDIDATES}")
    Format format;

    @Override
    int execute() {
        ChangesFormat consumer = ChangesFormat.of(json ? Format.json : format, key.get(), since, output.out());
        boolean any = reader.read(key.get(), since, consumer);
        consumer.end(any);
        output.out().flush();
        return 0;
    }
}
