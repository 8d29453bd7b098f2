package dev.segdiff.cli;

import dev.segdiff.db.Cancellation;
import dev.segdiff.db.FileProblem;
import dev.segdiff.db.InvalidInputException;
import dev.segdiff.db.Printable;
import dev.segdiff.run.LogicalDay;
import dev.segdiff.run.Outcome;
import dev.segdiff.segment.SegmentUpload;
import dev.segdiff.segment.SegmentUpload.Loaded;
import dev.segdiff.segment.SegmentUpload.Upload;
import jakarta.inject.Inject;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "load", description = "Streams ids into an upload segment and publishes a version.")
final class SegmentsLoadCommand extends DatabaseCommand implements Interruptible {
    @Inject
    SegmentUpload upload;

    @Inject
    LogicalDay days;

    @Mixin
    SegmentsCommand.Key key;

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
        try (FileChannel channel = open();
                Reader input = Channels.newReader(channel, StandardCharsets.UTF_8)) {
            // A thread that waits for input notices the cancellation only when the input ends.
            Signals.onTermination(signal -> {
                cancellation.request(signal);
                close(channel);
            });
            Loaded loaded = load(input, cancellation);
            if (json) {
                output.json(loaded);
            } else {
                output.line(text(loaded));
            }
            return loaded.heldBack() ? Outcome.REFUSED.exitCode() : 0;
        } catch (IOException e) {
            throw new InvalidInputException("file " + FileProblem.words(Printable.of(file), e));
        }
    }

    private Loaded load(Reader input, Cancellation cancellation) {
        try {
            return upload.load(new Upload(key.get(), input, days.orToday(null), accept), cancellation);
        } catch (InvalidInputException e) {
            // If a signal has closed the input, this says that the command was interrupted.
            cancellation.check();
            throw e;
        }
    }

    private static void close(FileChannel channel) {
        try {
            channel.close();
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

    private FileChannel open() throws IOException {
        if (file.equals("-")) {
            return new FileInputStream(FileDescriptor.in).getChannel();
        }
        Path path = Path.of(file);
        if (Files.isDirectory(path)) {
            throw new InvalidInputException("file " + Printable.of(file) + " is a directory");
        }
        return FileChannel.open(path);
    }
}
