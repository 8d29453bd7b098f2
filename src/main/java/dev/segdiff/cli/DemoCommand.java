package dev.segdiff.cli;

import dev.segdiff.db.Cancellation;
import dev.segdiff.demo.Demo;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunReport;
import dev.segdiff.segment.SegmentKey;
import dev.segdiff.segment.SegmentRegistry;
import dev.segdiff.segment.SegmentVersion;
import jakarta.inject.Inject;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;

@Command(
        name = "demo",
        description = "Replays 30 days of a real activity log with a dozen segments, and shows what came of it.")
final class DemoCommand extends DatabaseCommand {
    @Inject
    Demo demo;

    @Inject
    SegmentRegistry registry;

    @Override
    int execute() {
        Cancellation cancellation = new Cancellation();
        Signals.cancelOnTermination(cancellation);
        long events = demo.prepare();
        List<RunReport> runs = demo.replay(cancellation);
        List<SegmentVersion> versions = demo.versions(demo.sample());
        if (json) {
            output.json(runs);
        } else {
            print(events, runs, versions);
        }
        return Outcome.worst(runs.stream().map(RunReport::outcomeOrFailed).toList())
                .exitCode();
    }

    private void print(long events, List<RunReport> runs, List<SegmentVersion> versions) {
        SegmentKey sample = demo.sample();
        title("Loaded %,d events, replayed %d days".formatted(events, runs.size()));
        output.line(Runs.table(runs).toString());
        title("Segments after the last day");
        output.line(SegmentsList.table(registry.list()).toString());
        title("Versions of segment " + sample + ", active in the last 30 days");
        output.line(SegmentsShow.table(versions).toString());
        title("Added and removed per day");
        output.line(Chart.of(versions));
        if (versions.size() > 1) {
            long previous = versions.get(versions.size() - 2).version();
            title("Next: what changed on the last day, and the state of everything");
            output.line("java -jar target/segdiff.jar segments changes %d %d --since %d"
                    .formatted(sample.customerId(), sample.segmentId(), previous));
            output.line("java -jar target/segdiff.jar status");
        }
    }

    private void title(String text) {
        output.line("");
        output.line(Ansi.AUTO.string("@|bold,underline " + text + "|@"));
    }
}
