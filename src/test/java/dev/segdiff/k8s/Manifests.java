package dev.segdiff.k8s;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** The objects of the overlays under k8s/, as kubectl builds them. */
final class Manifests {
    private static final Path OVERLAYS = Path.of("k8s", "overlays");
    /** One that uses all components. */
    static final String EVERYTHING = "everything";

    private static final Path TEST_OVERLAYS = Path.of("src", "test", "k8s");
    private static final Path KUBECTL = Path.of("/usr/bin/kubectl");

    private Manifests() {}

    static List<String> overlays() {
        try (Stream<Path> folders = Files.list(OVERLAYS);
                Stream<Path> ofTests = Files.list(TEST_OVERLAYS)) {
            return Stream.concat(folders, ofTests)
                    .map(folder -> folder.getFileName().toString())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<JsonNode> build(String overlay) {
        if (!Files.exists(KUBECTL)) {
            System.err.println("NO " + KUBECTL + ": THE MANIFESTS ARE NOT TESTED");
            Assumptions.abort("no " + KUBECTL);
        }
        try {
            Process kubectl = new ProcessBuilder(
                            KUBECTL.toString(),
                            "kustomize",
                            (overlay.equals(EVERYTHING) ? TEST_OVERLAYS : OVERLAYS)
                                    .resolve(overlay)
                                    .toString())
                    .redirectErrorStream(true)
                    .start();
            String yaml = new String(kubectl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (kubectl.waitFor() != 0) {
                throw new AssertionError(yaml);
            }
            ObjectMapper mapper = new ObjectMapper(new YAMLFactory());
            try (MappingIterator<JsonNode> objects =
                    mapper.readerFor(JsonNode.class).readValues(yaml)) {
                return objects.readAll();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    static List<JsonNode> ofKind(List<JsonNode> objects, String kind) {
        return objects.stream()
                .filter(object -> object.get("kind").asText().equals(kind))
                .toList();
    }

    /** The pod templates of segdiff, of whatever object they are part. */
    static List<JsonNode> pods(List<JsonNode> objects) {
        return objects.stream()
                .flatMap(object -> Stream.of(object.at("/spec/template"), object.at("/spec/jobTemplate/spec/template")))
                .filter(template ->
                        template.at("/spec/containers/0/name").asText().equals("segdiff"))
                .toList();
    }
}
