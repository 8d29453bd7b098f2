package dev.segdiff.cli;

import dev.segdiff.segment.Segment;
import dev.segdiff.segment.SegmentRegistry;
import dev.segdiff.trash.Trash;
import jakarta.inject.Inject;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "list", description = "All registered segments.")
final class SegmentsListCommand extends DatabaseCommand {
    @Inject
    SegmentRegistry registry;

    @Option(names = "--trash", description = "removed segments that can be restored")
    boolean trash;

    @Override
    int execute() {
        if (trash) {
            printTrash(registry.trash());
            return 0;
        }
        List<Segment> segments = registry.list();
        if (json) {
            output.json(segments);
        } else if (segments.isEmpty()) {
            output.line("No segments. Add one with `segdiff segments add C S --source RELATION`.");
        } else {
            output.table(table(segments));
        }
        return 0;
    }

    private void printTrash(List<Trash.Entry> entries) {
        if (json) {
            output.json(entries);
        } else if (entries.isEmpty()) {
            output.line("No segments in the trash.");
        } else {
            TextTable table = new TextTable("SEGMENT", "SNAPSHOT", "REMOVED");
            entries.forEach(
                    entry -> table.row(entry.owner(), entry.origin(), RunsCommand.TIME.format(entry.movedAt())));
            output.table(table);
        }
    }

    static TextTable table(List<Segment> segments) {
        TextTable table =
                new TextTable("CUSTOMER", "SEGMENT", "VERSION", "DAY", "CONTACTS", "LAST USED", "SOURCE", "PROBLEM");
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
