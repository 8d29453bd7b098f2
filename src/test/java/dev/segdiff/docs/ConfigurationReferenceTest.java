package dev.segdiff.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.doctree.DocCommentTree;
import com.sun.source.tree.AnnotationTree;
import com.sun.source.tree.AssignmentTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.LiteralTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePath;
import com.sun.source.util.TreePathScanner;
import dev.segdiff.support.ReferencePage;
import io.smallrye.config.common.utils.StringUtil;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The page of all configuration keys is made of the mappings: the Javadoc of a key is its only description. */
class ConfigurationReferenceTest {
    private static final Pattern CODE = Pattern.compile("\\{@(?:code|link) ([^}]*)}");

    /**
     * @param defaultValue null: there is none
     * @param text what the key means
     */
    private record Key(String name, @Nullable String defaultValue, String text) {}

    @Test
    void pageOfConfigurationIsUpToDate() throws IOException {
        StringBuilder page = new StringBuilder("""
                # Configuration

                This page is generated from the code. A key is set as an environment variable
                (`SEGDIFF_SEGMENTS_PARALLELISM`), as a system property, or in `config/application.properties`. Unknown keys
                and bad values are refused at start, with the key, the value and what is allowed. The database is named by
                `QUARKUS_DATASOURCE_JDBC_URL`, `QUARKUS_DATASOURCE_USERNAME` and `QUARKUS_DATASOURCE_PASSWORD`.

                | key | default | meaning |
                |---|---|---|
                """);
        Map<String, Key> keys = keys();
        keys.values()
                .forEach(key -> page.append("| `%s` | %s | %s |\n"
                        .formatted(
                                key.name(),
                                Optional.ofNullable(key.defaultValue())
                                        .filter(value -> !value.isEmpty())
                                        .map(value -> "`" + ReferencePage.cell(value) + "`")
                                        .orElse(""),
                                ReferencePage.cell(key.text()))));

        assertThat(keys)
                .hasSizeGreaterThan(50)
                .allSatisfy((name, key) -> assertThat(key.text()).as(name).isNotEmpty());
        ReferencePage.check("configuration.md", page.toString());
    }

    private static Map<String, Key> keys() throws IOException {
        Map<String, Key> keys = new TreeMap<>();
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        try (Stream<Path> sources = Files.walk(Path.of("src/main/java"));
                StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            List<Path> mappings = sources.filter(file -> file.toString().endsWith("Config.java"))
                    .toList();
            JavacTask task = (JavacTask) compiler.getTask(
                    null, files, null, List.of("-proc:none"), null, files.getJavaFileObjectsFromPaths(mappings));
            DocTrees docs = DocTrees.instance(task);
            for (CompilationUnitTree unit : task.parse()) {
                new Keys(docs, keys).scan(unit, null);
            }
        }
        return keys;
    }

    private static final class Keys extends TreePathScanner<@Nullable Void, @Nullable Void> {
        private final DocTrees docs;
        private final Map<String, Key> keys;
        private String prefix = "";

        Keys(DocTrees docs, Map<String, Key> keys) {
            this.docs = docs;
            this.keys = keys;
        }

        @Override
        public @Nullable Void visitClass(ClassTree type, @Nullable Void nothing) {
            Optional<String> mapping = value(type.getModifiers(), "ConfigMapping");
            if (mapping.isPresent()) {
                prefix = mapping.get();
                return super.visitClass(type, nothing);
            }
            String outer = prefix;
            prefix += ".NAME";
            super.visitClass(type, nothing);
            prefix = outer;
            return null;
        }

        /** Keys by job have no mapping, as jobs are found when the program runs: constants end where the job's name begins. */
        @Override
        public @Nullable Void visitVariable(VariableTree variable, @Nullable Void nothing) {
            if (variable.getInitializer() instanceof LiteralTree literal
                    && String.valueOf(literal.getValue()).matches("segdiff\\..*\\.")) {
                String name = literal.getValue() + "JOB";
                keys.put(name, new Key(name, null, text()));
            }
            return null;
        }

        @Override
        public @Nullable Void visitMethod(MethodTree method, @Nullable Void nothing) {
            boolean nested = annotation(method.getModifiers(), "WithParentName").isPresent();
            if (!nested && method.getBody() == null) {
                String part = value(method.getModifiers(), "WithName")
                        .orElseGet(() -> StringUtil.skewer(method.getName().toString()));
                String name = prefix + "." + part;
                keys.put(
                        name,
                        new Key(
                                name,
                                value(method.getModifiers(), "WithDefault").orElse(null),
                                text()));
            }
            return null;
        }

        private String text() {
            TreePath here = getCurrentPath();
            DocCommentTree comment = docs.getDocCommentTree(here);
            if (comment == null) {
                return "";
            }
            Matcher code = CODE.matcher(
                    comment.getFullBody().stream().map(Object::toString).collect(Collectors.joining()));
            return code.replaceAll("`$1`");
        }

        private static Optional<AnnotationTree> annotation(ModifiersTree modifiers, String name) {
            return modifiers.getAnnotations().stream()
                    .filter(found -> found.getAnnotationType().toString().equals(name))
                    .map(AnnotationTree.class::cast)
                    .findFirst();
        }

        /** The only argument of an annotation, if it is a text. */
        private static Optional<String> value(ModifiersTree modifiers, String name) {
            return annotation(modifiers, name)
                    .map(found -> found.getArguments().get(0))
                    .map(argument -> argument instanceof AssignmentTree named ? named.getExpression() : argument)
                    .filter(expression -> expression.getKind() == Tree.Kind.STRING_LITERAL)
                    .map(expression -> String.valueOf(((LiteralTree) expression).getValue()));
        }
    }
}
