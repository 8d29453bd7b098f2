package dev.segdiff.cli;

import dev.segdiff.segment.SegmentRegistry;
import jakarta.inject.Inject;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "remove",
        description = "Removes a segment and its versions; its snapshot waits in the trash, see restore.")
final class SegmentsRemoveCommand extends DatabaseCommand {
    @Inject
    SegmentRegistry registry;

    @Mixin
    SegmentsCommand.Key key;

    @Override
    int execute() {
        registry.remove(key.get());
        if (json) {
            output.json(Map.of("removed", key.get().toString()));
        } else {
            output.line("segment " + key.get() + " removed");
        }
        return 0;
    }
}
