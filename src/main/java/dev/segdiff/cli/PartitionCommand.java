package dev.segdiff.cli;

import picocli.CommandLine.Command;

@Command(
        name = "partition",
        mixinStandardHelpOptions = true,
        description = "Plans how a table moves to partitions while its users go on writing.",
        subcommands = {PartitionPlanCommand.class})
final class PartitionCommand {
    private PartitionCommand() {}
}
