package dev.segdiff.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.segdiff.support.ReferencePage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The alerts, as Prometheus evaluates them. */
class AlertsTest {
    private static final Path RULE = Path.of("k8s/components/monitoring/prometheusrule.yaml");
    private static final Path DASHBOARD = Path.of("k8s/components/monitoring/dashboard.json");
    private static final Path CASES = Path.of("src/test/prometheus/alerts.yaml");
    private static final Path PROMTOOL = Path.of("/usr/bin/promtool");
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    private final List<JsonNode> alerts = new ArrayList<>();

    @BeforeEach
    void read() throws IOException {
        JsonNode spec = YAML.readTree(RULE.toFile()).get("spec");
        Files.write(directory.resolve("rules.yaml"), YAML.writeValueAsBytes(spec));
        spec.at("/groups/0/rules").forEach(alerts::add);
    }

    private String promtool(String... arguments) throws IOException, InterruptedException {
        if (!Files.exists(PROMTOOL)) {
            System.err.println("NO " + PROMTOOL + ": THE ALERTS ARE NOT TESTED");
            Assumptions.abort("no " + PROMTOOL);
        }
        List<String> command = new ArrayList<>(List.of(PROMTOOL.toString()));
        command.addAll(List.of(arguments));
        Process promtool = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .start();
        String answer = new String(promtool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(promtool.waitFor()).as(answer).isZero();
        return answer;
    }

    @Test
    void rulesAreSound() throws IOException, InterruptedException {
        assertThat(promtool("check", "rules", "rules.yaml")).contains("SUCCESS: " + alerts.size() + " rules found");
    }

    @Test
    void alertsFireWhenTheyShallAndOnlyThen() throws IOException, InterruptedException {
        Files.copy(CASES, directory.resolve("alerts.yaml"));
        promtool("test", "rules", "alerts.yaml");
    }

    @Test
    void everyAlertHasACaseThatFiresAndOneThatDoesNot() throws IOException {
        String cases = Files.readString(CASES);

        assertThat(alerts).isNotEmpty().allSatisfy(alert -> assertThat(cases)
                .contains(
                        "name: " + alert.get("alert").asText() + " fires",
                        "name: " + alert.get("alert").asText() + " is quiet"));
    }

    @Test
    void everyAlertHasItsRunbookWithItsNameAndEveryMetricIsDocumented() throws IOException {
        String documented = Files.readString(ReferencePage.path("metrics.md"));
        for (JsonNode alert : alerts) {
            String url = alert.at("/annotations/runbook_url").asText();
            Path runbook = Path.of("ops-runbooks", url.substring(url.lastIndexOf('/') + 1));
            assertThat(runbook).exists();
            assertThat(Files.readAllLines(runbook).get(0))
                    .startsWith("# " + alert.get("alert").asText() + ":");
            assertThat(metrics(alert.get("expr").asText())).isNotEmpty().allSatisfy(metric -> assertThat(documented)
                    .contains("`" + metric + "`"));
        }
    }

    private static List<String> metrics(String expression) {
        return Pattern.compile("segdiff_\\w+")
                .matcher(expression)
                .results()
                .map(MatchResult::group)
                .toList();
    }

    @Test
    void dashboardAsksWhatPrometheusUnderstandsOfMetricsThatAreDocumented() throws IOException, InterruptedException {
        String documented = Files.readString(ReferencePage.path("metrics.md"));
        ArrayNode rules = YAML.createArrayNode();
        for (JsonNode expression : YAML.readTree(DASHBOARD.toFile()).findValues("expr")) {
            assertThat(metrics(expression.asText())).isNotEmpty().allSatisfy(metric -> assertThat(documented)
                    .contains("`" + metric + "`"));
            rules.addObject().put("record", "panel:" + rules.size()).set("expr", expression);
        }
        ObjectNode file = YAML.createObjectNode();
        file.putArray("groups").addObject().put("name", "dashboard").set("rules", rules);
        Files.write(directory.resolve("dashboard.yaml"), YAML.writeValueAsBytes(file));

        assertThat(rules).isNotEmpty();
        assertThat(promtool("check", "rules", "--lint=none", "dashboard.yaml")).contains(rules.size() + " rules found");
    }
}
