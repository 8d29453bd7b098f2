package dev.segdiff.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.segdiff.audit.AuditEntry;
import dev.segdiff.audit.AuditLog;
import dev.segdiff.db.Printable;
import jakarta.inject.Inject;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Help.Ansi.Style;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "log", description = "Who changed what in a table, the newest first, column by column.")
final class AuditLogCommand extends DatabaseCommand {
    enum Format {
        table,
        json
    }

    @Inject
    AuditLog log;

    @Mixin
    AuditCommand.Filter filter;

    @Option(names = "--format", defaultValue = "table", description = "${COMPLETION-CANDIDATES}")
    Format format;

    @Option(names = "--limit", defaultValue = "100", description = "at most so many; default: ${DEFAULT-VALUE}")
    AtLeastOne limit;

    @Override
    int execute() {
        List<AuditEntry> entries = log.read(filter.get(), limit.value());
        if (json || format == Format.json) {
            output.json(entries);
        } else if (entries.isEmpty()) {
            output.line("No changes recorded.");
        } else {
            entries.forEach(this::print);
        }
        return 0;
    }

    private void print(AuditEntry entry) {
        output.styled(colour(entry.operation() + " " + words(entry.key()), Style.bold) + "  "
                + RunsCommand.TIME.format(entry.changedAt()) + "  " + Printable.of(who(entry)));
        for (String column : entry.changed()) {
            boolean asText = entry.asText().contains(column);
            line(Style.fg_red, "- " + column, value(entry.oldRow(), column), asText);
            line(Style.fg_green, "+ " + column, value(entry.newRow(), column), asText);
        }
    }

    private static String who(AuditEntry entry) {
        return "by " + entry.who()
                + (entry.application() == null ? "" : " (" + entry.application() + ")")
                + ", transaction " + entry.transaction()
                + (entry.run() == null ? "" : ", run " + entry.run())
                + (entry.undoes() == null ? "" : ", undoes " + entry.undoes());
    }

    private static @Nullable JsonNode value(@Nullable JsonNode row, String column) {
        return row == null ? null : row.get(column);
    }

    private void line(Style style, String column, @Nullable JsonNode value, boolean asText) {
        if (value != null) {
            output.styled(colour("    " + column + ": " + words(value, asText), style));
        }
    }

    /**
     * A value as people read it. The log may hold numbers and JSON as text, and they are printed as numbers and JSON.
     * The null of JSON is printed differently from the null of SQL.
     */
    private static String words(JsonNode value, boolean asText) {
        return asText && value.isTextual() && !value.asText().equals("null") ? value.asText() : value.toString();
    }

    /** A key as people read it, such as {@code id=17 node="a"}. */
    static String words(JsonNode key) {
        return StreamSupport.stream(
                        ((Iterable<java.util.Map.Entry<String, JsonNode>>) key::fields).spliterator(), false)
                .map(field -> field.getKey() + "=" + field.getValue())
                .collect(Collectors.joining(" "));
    }

    private static String colour(String written, Style style) {
        String text = Printable.of(written);
        return Ansi.AUTO.enabled() ? style.on() + text + style.off() : text;
    }
}
