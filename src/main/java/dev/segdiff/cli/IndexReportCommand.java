package dev.segdiff.cli;

import dev.segdiff.index.ByteSize;
import dev.segdiff.index.IndexReport;
import dev.segdiff.index.IndexReport.Setting;
import dev.segdiff.index.IndexReport.TableState;
import dev.segdiff.index.IndexReporter;
import dev.segdiff.index.IndexState;
import jakarta.inject.Inject;
import java.time.OffsetDateTime;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "report", description = "Bloat, dead rows, vacuum, and what holds it back.")
final class IndexReportCommand extends DatabaseCommand {
    @Inject
    IndexReporter reporter;

    @Option(
            names = "--limit",
            defaultValue = "20",
            description = "so many indexes and tables, the worst first; default: ${DEFAULT-VALUE}; JSON has all")
    AtLeastOne limit;

    @Override
    int execute() {
        IndexReport report = reporter.read();
        if (json) {
            output.json(report);
            return 0;
        }
        output.line("Bloat: " + report.measuring());
        title("Indexes");
        output.table(indexes(report.indexes()));
        title("Tables");
        output.table(tables(report.tables()));
        title("Catalogs");
        output.table(tables(report.catalogs()));
        title("Autovacuum");
        output.table(settings(report.settings()));
        title("What keeps dead rows from being removed");
        TextTable holders = new TextTable("KIND", "NAME", "TRANSACTIONS", "SINCE");
        report.holders().forEach(h -> holders.row(h.kind(), h.name(), h.age(), time(h.since())));
        if (report.holders().isEmpty()) {
            output.line("nothing");
        } else {
            output.table(holders);
        }
        return 0;
    }

    private void title(String text) {
        output.line("");
        output.line(text);
    }

    private TextTable indexes(List<IndexState> indexes) {
        TextTable table = new TextTable("INDEX", "SIZE", "BLOAT", "BY", "WASTED", "SCANS", "LAST SCAN", "REMARKS");
        // Indexes with remarks come first, and among these the most wasteful ones.
        indexes.stream()
                .sorted(Comparator.comparing(index -> index.valid() && index.duplicateOf() == null))
                .limit(limit.value())
                .forEach(index -> table.row(
                        index.index().plain(),
                        ByteSize.text(index.bytes()),
                        factor(index.bloat()),
                        by(index.bloat(), index.measured()),
                        ByteSize.text(index.wastedBytes()),
                        index.scans(),
                        time(index.lastScan()),
                        String.join(", ", index.remarks())));
        return table;
    }

    private TextTable tables(List<TableState> tables) {
        TextTable table = new TextTable(
                "TABLE", "SIZE", "BLOAT", "BY", "WASTED", "ROWS", "DEAD", "CHANGED", "VACUUM", "ANALYZE", "AGE",
                "REMARKS");
        tables.stream()
                .limit(limit.value())
                .forEach(t -> table.row(
                        t.table().plain(),
                        ByteSize.text(t.totalBytes()),
                        factor(t.bloat()),
                        by(t.bloat(), t.measured()),
                        ByteSize.text(t.wastedBytes()),
                        t.liveRows(),
                        t.deadRows(),
                        t.changedRows(),
                        time(latest(t.lastVacuum(), t.lastAutovacuum())),
                        time(latest(t.lastAnalyze(), t.lastAutoanalyze())),
                        t.frozenAge(),
                        Stream.concat(Stream.ofNullable(t.unusual()), t.settings().stream())
                                .collect(Collectors.joining(", "))));
        return table;
    }

    private static TextTable settings(List<Setting> settings) {
        TextTable table = new TextTable("SETTING", "VALUE", "REMARKS");
        settings.forEach(s -> table.row(
                s.name(), s.value() + (s.unit() == null ? "" : " " + s.unit()), Objects.toString(s.unusual(), "")));
        return table;
    }

    private static @Nullable String factor(@Nullable Double bloat) {
        return bloat == null ? null : String.format(Locale.ROOT, "%.2f", bloat);
    }

    private static @Nullable String by(@Nullable Double bloat, boolean measured) {
        return bloat == null ? null : measured ? "pgstattuple" : "statistics";
    }

    private static @Nullable OffsetDateTime latest(@Nullable OffsetDateTime a, @Nullable OffsetDateTime b) {
        return a == null || (b != null && b.isAfter(a)) ? b : a;
    }

    private static @Nullable String time(@Nullable OffsetDateTime time) {
        return time == null ? null : RunsCommand.TIME.format(time);
    }
}
