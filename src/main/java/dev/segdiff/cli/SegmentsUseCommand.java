package dev.segdiff.cli;

import dev.segdiff.segment.Segment;
import dev.segdiff.segment.SegmentRegistry;
import jakarta.inject.Inject;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "use", description = "Marks a segment as used, so that it is kept, and prints its current version.")
final class SegmentsUseCommand extends DatabaseCommand {
    @Inject
    SegmentRegistry registry;

    @Mixin
    SegmentsCommand.Key key;

    @Override
    int execute() {
        Segment segment = registry.use(key.get());
        if (json) {
            output.json(segment);
        } else {
            output.line("segment " + key.get()
                    + (segment.version() == null ? " has no version yet" : " is at version " + segment.version()));
        }
        return 0;
    }
}
