package dev.segdiff.cli;

import dev.segdiff.support.ReferencePage;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;

/** The page of all commands is what they print as their help. */
class CommandsReferenceTest {
    private static final int WIDTH = 110;

    @Test
    void pageOfCommandsIsUpToDate() {
        StringBuilder page = new StringBuilder("""
                # Commands

                This page is generated: it shows what `--help` prints for each command. Every command takes `--json`, for
                programs, where it has a result. Results go to stdout, logs to stderr.
                """);
        describe(page, new CommandLine(SegdiffCommand.class));

        ReferencePage.check("commands.md", page.toString());
    }

    private static void describe(StringBuilder page, CommandLine command) {
        command.setUsageHelpWidth(WIDTH);
        String usage =
                command.getUsageMessage(Ansi.OFF).replaceAll("(?m) +$", "").strip();
        page.append("\n## ")
                .append(command.getCommandSpec().qualifiedName())
                .append("\n\n```text\n")
                .append(usage)
                .append("\n```\n");
        command.getSubcommands().values().forEach(sub -> describe(page, sub));
    }
}
