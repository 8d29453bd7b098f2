package dev.segdiff.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the pages link to is there, and what the front door says of itself. */
class LinksTest {
    private static final Path README = Path.of("README.md");

    /** A link to a file of this repository, without the place in it. */
    private static final Pattern LINK = Pattern.compile("]\\((?!https?:)([^)#]+)[^)]*\\)");

    @Test
    void linksOfAllPagesLeadSomewhere() throws IOException {
        List<Path> pages = pages();
        assertThat(pages).hasSizeGreaterThan(30);
        for (Path page : pages) {
            Path folder = Objects.requireNonNull(page.toAbsolutePath().getParent());
            for (Matcher link = LINK.matcher(Files.readString(page)); link.find(); ) {
                assertThat(folder.resolve(link.group(1)))
                        .as("link %s in %s", link.group(1), page)
                        .exists();
            }
        }
    }

    @Test
    void everyGuideAndReferenceIsLinkedFromTheReadme() throws IOException {
        String readme = Files.readString(README);

        assertThat(pages())
                .filteredOn(page -> page.getNameCount() == 3)
                .isNotEmpty()
                .allSatisfy(page -> assertThat(readme).contains("(" + page + ")"));
    }

    @Test
    void readmeFitsOneSitting() throws IOException {
        assertThat(Files.readAllLines(README)).hasSizeLessThanOrEqualTo(170);
    }

    private static List<Path> pages() throws IOException {
        List<Path> pages = new ArrayList<>(List.of(README));
        try (Stream<Path> files = Files.walk(Path.of("ops-runbooks"))) {
            files.filter(file -> file.toString().endsWith(".md")).sorted().forEach(pages::add);
        }
        return pages;
    }
}
