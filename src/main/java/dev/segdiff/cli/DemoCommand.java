package dev.segdiff.cli;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.Printable;
import dev.segdiff.demo.Demo;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.segment.SegmentKey;
import dev.segdiff.segment.SegmentReader;
import dev.segdiff.segment.SegmentRegistry;
import dev.segdiff.segment.SegmentVersion;
import jakarta.inject.Inject;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;

@Command(
        name = "demo",
        description = "Replays 30 days of a real activity log with a dozen segments, and shows what came of it.")
final class DemoCommand extends DatabaseCommand implements Interruptible {
    @Inject
    Demo demo;

    @Inject
    SegmentRegistry registry;

    @Inject
    SegmentReader reader;

    @Override
    int execute() {
        long events = demo.prepare();
        Cancellation cancellation = new Cancellation();
        Signals.cancelOnTermination(cancellation);
        List<RunReport> runs = demo.replay(cancellation);
        List<RunReport> deletions = List.of(demo.cleanUp(cancellation), demo.expire(cancellation));
        if (json) {
            output.json(Stream.concat(runs.stream(), deletions.stream()).toList());
        } else {
            print(events, runs, deletions);
        }
        return Outcome.worst(Stream.concat(runs.stream(), deletions.stream())
                        .map(RunReport::outcomeOrFailed)
                        .toList())
                .exitCode();
    }

    private void print(long events, List<RunReport> runs, List<RunReport> deletions) {
        SegmentKey sample = demo.sample();
        List<SegmentVersion> versions = demo.versions(sample);
        title("Loaded %,d events, replayed %d days".formatted(events, runs.size()));
        output.table(RunsCommand.table(runs));
        title("Segments after the last day");
        output.table(SegmentsListCommand.table(registry.list()));
        title("Versions of segment " + sample + ", which changed most: "
                + registry.show(sample).source());
        output.table(SegmentsShowCommand.table(versions));
        title("Added and removed per day");
        output.styled(Chart.of(versions));
        long first = versions.get(0).version();
        title("Its net changes over all these days");
        ChangesFormat changes = ChangesFormat.of(SegmentsChangesCommand.Format.table, sample, first, output.out());
        changes.end(reader.read(sample, first, changes));
        title("Removed segment %s, which nobody uses, and activity older than %d years"
                .formatted(Demo.FORGOTTEN, Demo.RETENTION_DAYS / 365));
        output.table(RunsCommand.table(deletions));
        title("Look further");
        output.line("java -jar target/segdiff.jar status");
        output.line("java -jar target/segdiff.jar segments restore %d %d"
                .formatted(Demo.FORGOTTEN.customerId(), Demo.FORGOTTEN.segmentId()));
        output.line("java -jar target/segdiff.jar segments changes %d %d --since %d --format csv"
                .formatted(sample.customerId(), sample.segmentId(), first));
    }

    private void title(String text) {
        output.line("");
        output.styled(Ansi.AUTO.string("@|bold,underline " + Printable.of(text) + "|@"));
    }
}
