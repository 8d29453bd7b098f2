package dev.segdiff.cli;

import dev.segdiff.segment.SegmentKey;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "segments",
        mixinStandardHelpOptions = true,
        description = "The registry of segments, and what is in them.",
        subcommands = {
            SegmentsAddCommand.class,
            SegmentsListCommand.class,
            SegmentsShowCommand.class,
            SegmentsUseCommand.class,
            SegmentsRemoveCommand.class,
            SegmentsRestoreCommand.class,
            SegmentsLoadCommand.class,
            SegmentsChangesCommand.class,
        })
final class SegmentsCommand {
    /** The two numbers that name a segment. */
    static final class Key {
        @Parameters(index = "0", paramLabel = "C", description = "customer, a number")
        long customerId;

        @Parameters(index = "1", paramLabel = "S", description = "segment, a number")
        long segmentId;

        SegmentKey get() {
            return new SegmentKey(customerId, segmentId);
        }
    }
}
