package dev.segdiff.db;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A schema and the name of a relation in it, the only way to an identifier in SQL: {@link #toString()} is the quoted
 * form.
 */
@RegisterForReflection
public record TableName(String schema, String name) {
    /** PostgreSQL cuts longer names silently (NAMEDATALEN - 1). */
    private static final int MAX_BYTES = 63;

    private static final String IDENTIFIER = "([A-Za-z_\\x80-\\uFFFF][\\w$\\x80-\\uFFFF]*|\"(?:[^\"\\x00]|\"\")+\")";
    private static final Pattern QUALIFIED = Pattern.compile(IDENTIFIER + "(?:\\." + IDENTIFIER + ")?");

    public TableName {
        checkLength(schema);
        checkLength(name);
    }

    /**
     * Reads a name as SQL does: unquoted parts are folded to lower case, without a schema it is {@code public}.
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

    /** As people write it: quoted only where it has to be. */
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
