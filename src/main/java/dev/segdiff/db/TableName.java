package dev.segdiff.db;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The name of a relation with its schema. Names get into SQL only through this class: {@link #toString()} returns the
 * name quoted for SQL.
 */
@RegisterForReflection
public record TableName(String schema, String name) {
    /** The longest name in bytes. PostgreSQL shortens longer names silently (NAMEDATALEN - 1). */
    private static final int MAX_BYTES = 63;

    private static final String IDENTIFIER = "([A-Za-z_\\x80-\\uFFFF][\\w$\\x80-\\uFFFF]*|\"(?:[^\"\\x00]|\"\")+\")";
    private static final Pattern QUALIFIED = Pattern.compile(IDENTIFIER + "(?:\\." + IDENTIFIER + ")?");

    public TableName {
        checkLength(schema);
        checkLength(name);
    }

    /**
     * Reads a name as SQL does: parts without quotes are converted to lower case, and without a schema the schema is
     * {@code public}.
     *
     * @throws InvalidInputException if the text is no name
     */
    public static TableName parse(String text) {
        Matcher matcher = QUALIFIED.matcher(text);
        if (!matcher.matches()) {
            throw new InvalidInputException(
                    Printable.quoted(text) + " is no relation, expected NAME, SCHEMA.NAME or \"Name\"");
        }
        String first = unquote(matcher.group(1));
        return matcher.group(2) == null
                ? new TableName("public", first)
                : new TableName(first, unquote(matcher.group(2)));
    }

    /** Whether the table belongs to segdiff or to PostgreSQL itself, and not to an application. */
    public boolean belongsToSystem() {
        return schema.matches("segdiff|segdiff_trash|information_schema|pg_.*");
    }

    /** The name as people write it, quoted only where that is necessary. */
    public String plain() {
        return plain(schema) + "." + plain(name);
    }

    @Override
    public String toString() {
        return quote(schema) + "." + quote(name);
    }

    static String quote(String identifier) {
        return '"' + identifier.replace("\"", "\"\"") + '"';
    }

    private static String plain(String identifier) {
        return identifier.matches("[a-z_][a-z0-9_]*") ? identifier : quote(identifier);
    }

    private static String unquote(String identifier) {
        return identifier.startsWith("\"")
                ? identifier.substring(1, identifier.length() - 1).replace("\"\"", "\"")
                : identifier.toLowerCase(java.util.Locale.ROOT);
    }

    static void checkLength(String identifier) {
        int bytes = identifier.getBytes(StandardCharsets.UTF_8).length;
        if (bytes == 0 || bytes > MAX_BYTES) {
            throw new InvalidInputException("identifier " + Printable.quoted(identifier) + " has " + bytes
                    + " bytes, expected 1 to " + MAX_BYTES);
        }
    }
}
