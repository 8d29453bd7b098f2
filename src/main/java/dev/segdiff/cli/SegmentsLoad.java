package dev.segdiff.cli;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.run.LogicalDay;
import dev.segdiff.run.Outcome;
import dev.segdiff.segment.SegmentUpload;
import dev.segdiff.segment.SegmentUpload.Loaded;
import jakarta.inject.Inject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "load", description = "Streams ids into an upload segment and publishes a version.")
final class SegmentsLoad extends DatabaseCommand {
    @Inject
    SegmentUpload upload;

    @Inject
    LogicalDay days;

    @Mixin
    Segments.Key key;

    @Parameters(
            index = "2",
            arity = "0..1",
            defaultValue = "-",
            paramLabel = "FILE",
            description = "one id per line, or CSV with a contact_id header; - or nothing is standard input")
    String file;

    @Option(names = "--accept", description = "publish although most contacts would leave")
    boolean accept;

    @Override
    int execute() {
        Cancellation cancellation = new Cancellation();
        Signals.cancelOnTermination(cancellation);
        try (Reader input = open()) {
            Loaded loaded = upload.load(key.get(), input, days.orToday(null), accept, cancellation);
            if (json) {
                output.json(loaded);
            } else {
                output.line(text(loaded));
            }
            return loaded.heldBack() ? Outcome.REFUSED.exitCode() : 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String text(Loaded loaded) {
        return loaded.heldBack()
                ? "segment %s: held back, %d of %d contacts would leave; if that is right, load it with --accept"
                        .formatted(key.get(), loaded.removed(), loaded.contacts())
                : "segment %s: version %d with %d contacts, +%d -%d"
                        .formatted(key.get(), loaded.version(), loaded.contacts(), loaded.added(), loaded.removed());
    }

    private Reader open() throws IOException {
        if (file.equals("-")) {
            return new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        }
        try {
            return Files.newBufferedReader(Path.of(file));
        } catch (NoSuchFileException e) {
            throw new InvalidInputException("file " + file + " does not exist");
        }
    }
}
