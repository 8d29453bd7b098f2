package dev.segdiff.cli;

import dev.segdiff.segment.SegmentRegistry;
import jakarta.inject.Inject;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "restore", description = "Brings a removed segment back while its snapshot waits in the trash.")
final class SegmentsRestoreCommand extends DatabaseCommand {
    @Inject
    SegmentRegistry registry;

    @Mixin
    SegmentsCommand.Key key;

    @Override
    int execute() {
        long version = registry.restore(key.get());
        if (json) {
            output.json(Map.of("restored", key.get().toString(), "version", version));
        } else {
            output.line("segment " + key.get() + " is back at version " + version);
        }
        return 0;
    }
}
