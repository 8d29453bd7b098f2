package dev.segdiff.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.segdiff.db.DatabaseConfig;
import dev.segdiff.run.Job;
import dev.segdiff.run.JobConfig;
import dev.segdiff.run.Outcome;
import dev.segdiff.run.RunConfig;
import dev.segdiff.support.TestConfig;
import io.kubernetes.client.openapi.JSON;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1CronJob;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1Job;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1PodDisruptionBudget;
import io.kubernetes.client.openapi.models.V1Secret;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V1ServiceAccount;
import io.kubernetes.client.openapi.models.V1StatefulSet;
import io.smallrye.config.ConfigMapping;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import sun.reflect.ReflectionFactory;

/** What schemas see, and what they do not: that the manifests fit the program. */
class ManifestsTest {
    private static final Map<String, Class<?>> KINDS = Map.of(
            "ConfigMap", V1ConfigMap.class,
            "CronJob", V1CronJob.class,
            "Deployment", V1Deployment.class,
            "Job", V1Job.class,
            "NetworkPolicy", V1NetworkPolicy.class,
            "PodDisruptionBudget", V1PodDisruptionBudget.class,
            "Secret", V1Secret.class,
            "Service", V1Service.class,
            "ServiceAccount", V1ServiceAccount.class,
            "StatefulSet", V1StatefulSet.class);

    private static final JavaClasses CODE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.segdiff");

    private static final Set<String> PROBES = Set.of("/q/health/started", "/q/health/live", "/q/health/ready");

    private static List<String> overlays() {
        return Manifests.overlays();
    }

    private static void parse(JsonNode object) {
        String kind = object.get("kind").asText();
        if (object.get("apiVersion").asText().startsWith("monitoring.coreos.com/")) {
            // Of Prometheus' operator, not of Kubernetes: AlertsTest and metricsAreScrapedWhereTheyAre look at them.
            return;
        }
        assertThat(KINDS).containsKey(kind);
        new JSON();
        assertThat((Object) JSON.getGson().fromJson(object.toString(), KINDS.get(kind)))
                .isNotNull();
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void objectsHaveNoFieldThatKubernetesDoesNotKnow(String overlay) {
        assertThat(Manifests.build(overlay)).isNotEmpty().allSatisfy(ManifestsTest::parse);
    }

    @Test
    void fieldThatKubernetesDoesNotKnowIsFound() {
        JsonNode cronJob =
                Manifests.ofKind(Manifests.build("cronjobs-only"), "CronJob").get(0);
        ((ObjectNode) cronJob.get("spec")).put("timezone", "Etc/UTC");

        assertThatThrownBy(() -> parse(cronJob)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void everyJobHasItsCronJobAndNobodyElse() {
        Map<String, String> schedules = Manifests.ofKind(Manifests.build("external-database"), "CronJob").stream()
                .collect(Collectors.toMap(
                        cronJob -> cronJob.at("/spec/jobTemplate/spec/template/spec/containers/0/args")
                                .toString(),
                        cronJob -> cronJob.at("/metadata/name").asText() + " "
                                + cronJob.at("/spec/schedule").asText()));

        assertThat(schedules)
                .isEqualTo(jobs().stream()
                        .collect(Collectors.toMap(
                                job -> "[\"run\",\"" + job.name() + "\"]", job -> job.name() + " " + job.cron())));
    }

    /** All jobs of the program; what they are called and when they run needs nothing that is injected. */
    private static List<Job> jobs() {
        List<Job> jobs = new ArrayList<>();
        for (JavaClass found : CODE) {
            if (found.isAssignableTo(Job.class)
                    && !found.isInterface()
                    && !found.getName().contains("_")) {
                jobs.add((Job) bare(found.reflect()));
            }
        }
        return jobs;
    }

    private static Object bare(Class<?> type) {
        try {
            Constructor<?> constructor = ReflectionFactory.getReflectionFactory()
                    .newConstructorForSerialization(type, Object.class.getDeclaredConstructor());
            return constructor.newInstance();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void cronJobsEndThemselvesBeforeTheyAreEnded() {
        RunConfig run = TestConfig.of(RunConfig.class);
        DatabaseConfig database = TestConfig.of(DatabaseConfig.class);
        for (JsonNode cronJob : Manifests.ofKind(Manifests.build("cronjobs-only"), "CronJob")) {
            JsonNode job = cronJob.at("/spec/jobTemplate/spec");
            assertThat(job.get("activeDeadlineSeconds").asLong())
                    .isGreaterThan(run.timeBudget().toSeconds());
            assertThat(job.at("/template/spec/terminationGracePeriodSeconds").asLong())
                    .isGreaterThan(database.statementTimeout().toSeconds());
            assertThat(cronJob.at("/spec/concurrencyPolicy").asText()).isEqualTo("Forbid");
            assertThat(cronJob.at("/spec/startingDeadlineSeconds").asLong()).isGreaterThanOrEqualTo(3600);
            assertThat(ZoneId.getAvailableZoneIds())
                    .contains(cronJob.at("/spec/timeZone").asText());
            assertThat(job.at("/template/spec/restartPolicy").asText()).isEqualTo("Never");
        }
    }

    @Test
    void jobsGiveUpAtOnceWhereAPersonIsNeededAndGoOnElsewhere() {
        for (JsonNode object : Manifests.build("external-database")) {
            JsonNode policy = object.get("kind").asText().equals("CronJob")
                    ? object.at("/spec/jobTemplate/spec/podFailurePolicy/rules")
                    : object.at("/spec/podFailurePolicy/rules");
            if (policy.isMissingNode()) {
                continue;
            }
            assertThat(StreamSupport.stream(policy.at("/0/onExitCodes/values").spliterator(), false)
                            .map(JsonNode::asInt))
                    .as("usage and configuration (2), refused")
                    .containsExactly(2, Outcome.REFUSED.exitCode());
            assertThat(policy.at("/0/action").asText()).isEqualTo("FailJob");
            assertThat(policy.at("/1/action").asText()).isEqualTo("Ignore");
            assertThat(policy.at("/1/onPodConditions/0/type").asText()).isEqualTo("DisruptionTarget");
        }
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void podsMayDoNothingTheyNeedNot(String overlay) throws IOException {
        Matcher user = Pattern.compile("(?m)^USER (\\d+):\\d+$")
                .matcher(Files.readString(Path.of("src/main/docker/Dockerfile.native")));
        assertThat(user.find()).isTrue();
        assertThat(Manifests.pods(Manifests.build(overlay))).isNotEmpty().allSatisfy(template -> {
            JsonNode pod = template.get("spec");
            JsonNode container = pod.at("/containers/0");
            assertThat(template.at("/metadata/labels/app.kubernetes.io~1name").asText())
                    .isEqualTo("segdiff");
            assertThat(pod.get("automountServiceAccountToken").asBoolean(true)).isFalse();
            assertThat(pod.at("/securityContext/runAsNonRoot").asBoolean()).isTrue();
            assertThat(pod.at("/securityContext/runAsUser").asText())
                    .isEqualTo(user.group(1))
                    .isNotEqualTo("0");
            assertThat(pod.at("/securityContext/seccompProfile/type").asText()).isEqualTo("RuntimeDefault");
            assertThat(container.at("/securityContext/readOnlyRootFilesystem").asBoolean())
                    .isTrue();
            assertThat(container.at("/securityContext/allowPrivilegeEscalation").asBoolean(true))
                    .isFalse();
            assertThat(container.at("/securityContext/capabilities/drop/0").asText())
                    .isEqualTo("ALL");
            assertThat(container.at("/resources/requests/memory").asText()).isNotEmpty();
            assertThat(container.at("/resources/limits/memory").asText()).isNotEmpty();
            for (JsonNode variable : container.get("env")) {
                boolean secret = variable.get("name").asText().matches(".*(PASSWORD|TOKEN|USERNAME)$");
                assertThat(variable.has("value"))
                        .as(variable.toString())
                        .isNotEqualTo(secret || !variable.has("value"));
            }
        });
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void variablesAreKeysThatTheProgramReads(String overlay) {
        List<JsonNode> objects = Manifests.build(overlay);
        Set<String> variables = new HashSet<>();
        Manifests.ofKind(objects, "ConfigMap")
                .forEach(map -> map.get("data").fieldNames().forEachRemaining(variables::add));
        Manifests.pods(objects).forEach(pod -> pod.at("/spec/containers/0/env")
                .forEach(variable -> variables.add(variable.get("name").asText())));

        assertThat(variables.stream().filter(name -> name.startsWith("SEGDIFF_")))
                .isNotEmpty()
                .isSubsetOf(known());
    }

    private static Set<String> known() {
        Set<String> keys = new HashSet<>();
        for (JavaClass found : CODE) {
            if (found.isAnnotatedWith(ConfigMapping.class)) {
                String prefix = found.getAnnotationOfType(ConfigMapping.class).prefix();
                for (Method method : found.reflect().getDeclaredMethods()) {
                    keys.add(variable(prefix + "." + method.getName().replaceAll("([A-Z])", "-$1")));
                }
            }
        }
        jobs().forEach(job -> JobConfig.keys(job.name()).forEach(key -> keys.add(variable(key))));
        return keys;
    }

    private static String variable(String key) {
        return key.replaceAll("[^A-Za-z0-9]", "_").toUpperCase(Locale.ROOT);
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void probesAskWhatIsAnswered(String overlay) {
        for (JsonNode pod : Manifests.pods(Manifests.build(overlay))) {
            JsonNode container = pod.at("/spec/containers/0");
            if (!container.at("/args/0").asText().equals("serve")) {
                continue;
            }
            Set<String> asked = new HashSet<>();
            for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
                asked.add(container.at("/" + probe + "/httpGet/path").asText());
                assertThat(container.at("/" + probe + "/httpGet/port").asText())
                        .isEqualTo(container.at("/ports/0/name").asText());
            }
            assertThat(asked).isEqualTo(PROBES);
            // Readiness answers within two seconds.
            assertThat(container.at("/readinessProbe/timeoutSeconds").asInt()).isGreaterThan(2);
        }
    }

    @Test
    void scheduleIsOnWhereThereAreNoCronJobsAndOffBesideThem() {
        assertThat(schedule("serve")).isEqualTo("true");
        assertThat(schedule("external-database")).isEqualTo("false");
        assertThat(schedule("trial")).isEqualTo("false");
        assertThat(Manifests.ofKind(Manifests.build("serve"), "CronJob")).isEmpty();
    }

    private static @Nullable String schedule(String overlay) {
        for (JsonNode variable : Manifests.ofKind(Manifests.build(overlay), "Deployment")
                .get(0)
                .at("/spec/template/spec/containers/0/env")) {
            if (variable.get("name").asText().equals("SEGDIFF_SCHEDULE_ENABLED")) {
                return variable.get("value").asText();
            }
        }
        return null;
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void secretsAreNamedAndOnlyTheTrialBringsThem(String overlay) {
        assertThat(Manifests.ofKind(Manifests.build(overlay), "Secret").isEmpty())
                .isNotEqualTo(overlay.equals("trial"));
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void ownerMigratesAndNobodyElse(String overlay) {
        List<JsonNode> objects = Manifests.build(overlay);

        assertThat(Manifests.ofKind(objects, "ConfigMap").get(0).at("/data/SEGDIFF_MIGRATE_AT_START"))
                .hasToString("\"false\"");
        for (JsonNode pod : Manifests.pods(objects)) {
            JsonNode container = pod.at("/spec/containers/0");
            boolean migrates = container.at("/args/0").asText().equals("migrate");
            for (JsonNode variable : container.get("env")) {
                if (variable.get("name").asText().matches("QUARKUS_DATASOURCE_(USERNAME|PASSWORD)")) {
                    assertThat(variable.at("/valueFrom/secretKeyRef/key")
                                    .asText()
                                    .startsWith("owner-"))
                            .isEqualTo(migrates);
                }
            }
        }
    }

    @Test
    void indexedSegmentDiffHasAPodForEachIndexAndLeavesTheOtherJobsAlone() {
        for (JsonNode cronJob : Manifests.ofKind(Manifests.build(Manifests.EVERYTHING), "CronJob")) {
            JsonNode job = cronJob.at("/spec/jobTemplate/spec");
            if (cronJob.at("/metadata/name").asText().equals("segment-diff")) {
                assertThat(job.get("completionMode").asText()).isEqualTo("Indexed");
                assertThat(job.get("completions").asInt())
                        .isEqualTo(job.get("parallelism").asInt())
                        .isGreaterThan(1);
                assertThat(job.get("podFailurePolicy")).isNotNull();
            } else {
                assertThat(job.has("completionMode")).isFalse();
            }
        }
    }

    @Test
    void metricsAreScrapedWhereTheyAre() {
        List<JsonNode> objects = Manifests.build(Manifests.EVERYTHING);
        JsonNode monitor = Manifests.ofKind(objects, "ServiceMonitor").get(0);
        JsonNode service = Manifests.ofKind(objects, "Service").get(0);

        assertThat(service.at("/metadata/labels")).containsAll(monitor.at("/spec/selector/matchLabels"));
        assertThat(service.at("/spec/ports/0/name")).isEqualTo(monitor.at("/spec/endpoints/0/port"));
        assertThat(monitor.at("/spec/endpoints/0/path").asText())
                .isEqualTo("/q/metrics")
                .isEqualTo(Manifests.ofKind(objects, "Deployment")
                        .get(0)
                        .at("/spec/template/metadata/annotations/prometheus.io~1path")
                        .asText());
    }

    @Test
    void everyJobHasARunbookThatRunsIt() throws IOException {
        StringBuilder runbooks = new StringBuilder();
        try (Stream<Path> files = Files.list(Path.of("ops-runbooks"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                runbooks.append(Files.readString(file));
            }
        }

        assertThat(jobs()).allSatisfy(job -> assertThat(runbooks).contains("\nsegdiff run " + job.name() + "\n"));
    }
}
