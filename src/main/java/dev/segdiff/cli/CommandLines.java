package dev.segdiff.cli;

import dev.segdiff.db.ConfigConverters;
import dev.segdiff.db.Printable;
import dev.segdiff.run.Suggestion;
import java.time.Duration;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.eclipse.microprofile.config.ConfigProvider;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Parses the command line, runs the command, and turns errors into a message and an exit code. */
public final class CommandLines {
    private CommandLines() {}

    /** The whole command line. The factory makes the commands and injects what they need. */
    private static CommandLine create(CommandLine.IFactory factory) {
        return new CommandLine(SegdiffCommand.class, factory)
                .registerConverter(Duration.class, CommandLines::duration)
                .registerConverter(LocalDate.class, CommandLines::day)
                .registerConverter(AtLeastOne.class, CommandLines::atLeastOne)
                .setExecutionExceptionHandler((failure, command, parsed) -> Errors.tell(failure, command.getErr()))
                .setParameterExceptionHandler(CommandLines::usageError)
                .setUsageHelpAutoWidth(true);
    }

    /** Runs a command, unless the configuration has unknown keys, and returns the exit code. */
    public static int execute(CommandLine.IFactory factory, List<String> jobs, String... args) {
        Signals.handle();
        CommandLine commandLine = create(factory);
        List<String> unknown = ConfigErrors.unknownKeys(ConfigProvider.getConfig(), jobs);
        unknown.forEach(line -> Errors.print(commandLine.getErr(), "configuration: " + line));
        return unknown.isEmpty() ? commandLine.execute(args) : Errors.USAGE;
    }

    /**
     * Answers a request for help, or a mistake in the command line, before anything is started, and returns the exit
     * code; empty if the command line is neither.
     */
    public static OptionalInt answerWithoutDatabase(String... args) {
        CommandLine commandLine = create(CommandLine.defaultFactory());
        try {
            ParseResult parsed = commandLine.parseArgs(args);
            Integer help = CommandLine.executeHelpRequest(parsed);
            if (help != null) {
                return OptionalInt.of(help);
            }
            CommandLine last =
                    parsed.asCommandLineList().get(parsed.asCommandLineList().size() - 1);
            if (!last.getSubcommands().isEmpty()) {
                throw new ParameterException(
                        last,
                        "expected one of "
                                + String.join(", ", last.getSubcommands().keySet()));
            }
            return OptionalInt.empty();
        } catch (ParameterException e) {
            return OptionalInt.of(usageError(e, args));
        }
    }

    /** Sets what Quarkus reads before any command runs: for {@code serve}, HTTP is opened. */
    public static void prepare(String... args) {
        if (command(args) instanceof ServeCommand) {
            System.setProperty("quarkus.http.host-enabled", "true");
        }
        if (List.of(args).contains(SegdiffCommand.LOG_JSON)) {
            System.setProperty("quarkus.log.console.json.enabled", "true");
        }
    }

    /**
     * The exit code of a command that is interrupted before it has begun.
     *
     * @param signalled the exit code of a process that the signal has ended
     */
    public static int interruptedExitCode(int signalled, String... args) {
        return command(args) instanceof Interruptible command ? command.interruptedExitCode() : signalled;
    }

    /** The command that the command line names, without anything injected; null if the command line is wrong. */
    private static @Nullable Object command(String... args) {
        try {
            List<CommandLine> commands =
                    create(CommandLine.defaultFactory()).parseArgs(args).asCommandLineList();
            return commands.get(commands.size() - 1).getCommand();
        } catch (ParameterException e) {
            return null;
        }
    }

    /** Prints why the program did not start, and returns the exit code. */
    public static int startFailed(Throwable failure) {
        return Errors.tell(failure, new java.io.PrintWriter(System.err, true));
    }

    private static int usageError(ParameterException e, String[] args) {
        CommandLine command = e.getCommandLine();
        Errors.print(command.getErr(), message(e));
        command.getErr().println("See: " + command.getCommandSpec().qualifiedName() + " --help");
        return Errors.USAGE;
    }

    private static String message(ParameterException e) {
        String message = String.valueOf(e.getMessage()).replaceFirst("^Error: ", "");
        if (!(e instanceof UnmatchedArgumentException unmatched)) {
            return message;
        }
        CommandSpec command = e.getCommandLine().getCommandSpec();
        String argument = unmatched.getUnmatched().get(0);
        if (argument.startsWith("-")) {
            return "unknown option " + Printable.quoted(argument)
                    + Suggestion.didYouMean(argument, command.optionsMap().keySet());
        }
        return command.subcommands().isEmpty()
                ? "unexpected argument " + Printable.quoted(argument)
                : "unknown command " + Printable.quoted(argument)
                        + Suggestion.didYouMean(argument, command.subcommands().keySet());
    }

    private static LocalDate day(String text) {
        try {
            return LocalDate.parse(text);
        } catch (DateTimeParseException e) {
            throw new TypeConversionException("expected a day such as 2026-01-31, got " + Printable.quoted(text));
        }
    }

    private static Duration duration(String text) {
        try {
            return Optional.ofNullable(new ConfigConverters.Seconds().convert(text))
                    .orElseThrow(() -> new IllegalArgumentException("expected a duration such as 90s, 30m or 12h"));
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage() + ", got " + Printable.quoted(text));
        }
    }

    private static AtLeastOne atLeastOne(String text) {
        try {
            return AtLeastOne.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage() + ", got " + Printable.quoted(text));
        }
    }
}
