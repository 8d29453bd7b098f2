package dev.segdiff.cli;

import picocli.CommandLine.Command;

@Command(
        name = "index",
        mixinStandardHelpOptions = true,
        description = "The health of indexes and tables.",
        subcommands = {IndexReportCommand.class})
final class IndexCommand {
    private IndexCommand() {}
}
