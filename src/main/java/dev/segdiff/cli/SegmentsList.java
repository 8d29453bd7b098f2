package dev.segdiff.cli;

import dev.segdiff.segment.Segment;
import dev.segdiff.segment.SegmentRegistry;
import jakarta.inject.Inject;
import java.util.List;
import picocli.CommandLine.Command;

@Command(name = "list", description = "All registered segments.")
final class SegmentsList extends DatabaseCommand {
    @Inject
    SegmentRegistry registry;

    @Override
    int execute() {
        List<Segment> segments = registry.list();
        if (json) {
            output.json(segments);
        } else if (segments.isEmpty()) {
            output.line("No segments. Add one with `segdiff segments add C S --source RELATION`.");
        } else {
            output.line(table(segments).toString());
        }
        return 0;
    }

    static Table table(List<Segment> segments) {
        Table table = new Table("CUSTOMER", "SEGMENT", "VERSION", "DAY", "CONTACTS", "LAST USED", "SOURCE", "PROBLEM");
        segments.forEach(segment -> table.row(
                segment.customerId(),
                segment.segmentId(),
                segment.version(),
                segment.day(),
                segment.contacts(),
                segment.lastUsedAt().toLocalDate(),
                segment.source() == null ? "(upload)" : segment.source(),
                segment.problem()));
        return table;
    }
}
