package dev.segdiff.support;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A page of {@code ops-runbooks/reference}, whose text comes from the code. {@code ./dev docs} renews the pages. */
public final class ReferencePage {
    private static final Path FOLDER = Path.of("ops-runbooks", "reference");
    private static final boolean RENEW = "write".equals(System.getProperty("segdiff.docs"));

    private ReferencePage() {}

    public static Path path(String name) {
        return FOLDER.resolve(name);
    }

    /** Fails if the page does not say what the code says. */
    public static void check(String name, String text) {
        try {
            if (RENEW) {
                Files.writeString(path(name), text);
            }
            assertThat(Files.readString(path(name)))
                    .as("%s is stale: renew it with ./dev docs", path(name))
                    .isEqualTo(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A text as a cell of a table. */
    public static String cell(String text) {
        return text.strip().replaceAll("\\s+", " ").replace("|", "\\|");
    }
}
