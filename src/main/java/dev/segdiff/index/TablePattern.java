package dev.segdiff.index;

import java.util.regex.Pattern;
import org.eclipse.microprofile.config.spi.Converter;

/**
 * A pattern for names of tables: a schema and a name as PostgreSQL has them, case included, where {@code *} stands for
 * any text.
 *
 * @param glob the pattern, such as {@code app.*}
 */
public record TablePattern(String glob) {
    private static final Pattern FORM = Pattern.compile("[^.,]+\\.[^.,]+");

    public TablePattern {
        if (!FORM.matcher(glob).matches()) {
            throw new IllegalArgumentException("expected SCHEMA.TABLE, such as app.orders or app.*");
        }
    }

    /** The same pattern for SQL's {@code like}. */
    String like() {
        return glob.replaceAll("([\\\\%_])", "\\\\$1").replace('*', '%');
    }

    /** Reads {@code app.*}. */
    public static final class FromText implements Converter<TablePattern> {
        private static final long serialVersionUID = 1;

        @Override
        public TablePattern convert(String text) {
            return new TablePattern(text.strip());
        }
    }
}
