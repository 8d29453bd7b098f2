package dev.segdiff.cli;

import dev.segdiff.segment.SegmentVersion;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Help.Ansi;

/**
 * A chart with one line for each day. Bars to the left are removed contacts, and bars to the right are added contacts.
 */
final class Chart {
    private static final int WIDTH = 30;

    private Chart() {}

    static String of(List<SegmentVersion> versions) {
        List<SegmentVersion> diffs =
                versions.stream().filter(version -> !version.baseline()).toList();
        long most = diffs.stream()
                .mapToLong(version -> Math.max(version.added(), version.removed()))
                .max()
                .orElse(0);
        return diffs.stream()
                .map(version -> line(version, Math.max(1, most)))
                .collect(Collectors.joining(System.lineSeparator()));
    }

    private static String line(SegmentVersion version, long most) {
        String removed = bar(version.removed(), most);
        return Ansi.AUTO.string("%s %s@|red %s|@ %5s | %-5s @|green %s|@"
                .formatted(
                        version.day(),
                        " ".repeat(WIDTH - removed.length()),
                        removed,
                        "-" + version.removed(),
                        "+" + version.added(),
                        bar(version.added(), most)));
    }

    /** One bar. A number above 0 has a bar of at least one character. */
    private static String bar(long value, long most) {
        return "█".repeat((int) Math.ceil((double) value * WIDTH / most));
    }
}
