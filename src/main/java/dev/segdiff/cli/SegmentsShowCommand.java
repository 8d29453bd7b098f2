package dev.segdiff.cli;

import dev.segdiff.segment.Segment;
import dev.segdiff.segment.SegmentRegistry;
import dev.segdiff.segment.SegmentVersion;
import io.quarkus.runtime.annotations.RegisterForReflection;
import jakarta.inject.Inject;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "show", description = "A segment and its newest versions.")
final class SegmentsShowCommand extends DatabaseCommand {
    /** How many versions are shown: those of a quarter of a year, one a day. */
    private static final int VERSIONS = 92;

    @Inject
    SegmentRegistry registry;

    @Mixin
    SegmentsCommand.Key key;

    @RegisterForReflection
    record Shown(Segment segment, List<SegmentVersion> versions) {}

    @Override
    int execute() {
        Shown shown = new Shown(registry.show(key.get()), registry.versions(key.get(), VERSIONS));
        if (json) {
            output.json(shown);
        } else {
            output.table(SegmentsListCommand.table(List.of(shown.segment())));
            output.line("");
            output.table(table(shown.versions()));
        }
        return 0;
    }

    static TextTable table(List<SegmentVersion> versions) {
        TextTable table = new TextTable("VERSION", "DAY", "CONTACTS", "ADDED", "REMOVED", "");
        versions.forEach(version -> table.row(
                version.version(),
                version.day(),
                version.contacts(),
                "+" + version.added(),
                "-" + version.removed(),
                version.baseline() ? "baseline" : ""));
        return table;
    }
}
