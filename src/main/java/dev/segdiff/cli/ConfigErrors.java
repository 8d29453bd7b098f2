package dev.segdiff.cli;

import dev.segdiff.db.Printable;
import dev.segdiff.event.EventsConfig;
import dev.segdiff.run.JobConfig;
import dev.segdiff.run.Suggestion;
import io.smallrye.config.ConfigValidationException;
import io.smallrye.config.common.utils.StringUtil;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.eclipse.microprofile.config.Config;

/** What is wrong with the configuration: the key, the value, and what is allowed. */
final class ConfigErrors {
    private static final Pattern UNCONVERTIBLE = Pattern.compile(
            "(?s).*SRCFG00039: The config property (\\S+) with the config value \"(.*?)\" threw.*?converted *(.*)");

    private static final Pattern POLICY_KEY = Pattern.compile("(segdiff\\.events\\.(?:\"[^\"]*\"|[^.]*)\\.).*");

    private ConfigErrors() {}

    /** A line for each problem that the mappings have found. */
    static Collection<String> lines(ConfigValidationException invalid) {
        Set<String> lines = new LinkedHashSet<>();
        for (int i = 0; i < invalid.getProblemCount(); i++) {
            lines.add(line(String.valueOf(invalid.getProblem(i).getMessage())));
        }
        return lines;
    }

    /**
     * Keys that nobody reads, wherever they come from. The mappings' own check is off: it has no suggestions and does not
     * see the environment.
     */
    static List<String> unknownKeys(Config config, List<String> jobs) {
        List<String> known = new ArrayList<>(known(config));
        jobs.forEach(job -> known.addAll(JobConfig.keys(job)));
        return StreamSupport.stream(config.getPropertyNames().spliterator(), false)
                .filter(key -> key.startsWith("segdiff."))
                .map(key -> unknown(key, known))
                .flatMap(Optional::stream)
                .toList();
    }

    /** The names of policies are free, their keys are not. */
    private static Optional<String> unknown(String key, List<String> known) {
        Matcher policy = POLICY_KEY.matcher(key);
        List<String> allowed = policy.matches()
                ? EventsConfig.KEYS.stream().map(name -> policy.group(1) + name).toList()
                : known;
        return allowed.contains(key) || isVariable(key, allowed)
                ? Optional.empty()
                : Optional.of("unknown key " + key + Suggestion.didYouMean(key, allowed));
    }

    /** A variable of the environment does not tell dots from dashes. */
    private static boolean isVariable(String key, List<String> allowed) {
        return allowed.stream()
                .filter(name -> name.replace('-', '.').equals(key))
                .map(name ->
                        StringUtil.replaceNonAlphanumericByUnderscores(name).toUpperCase(Locale.ROOT))
                .anyMatch(System.getenv()::containsKey);
    }

    private static String line(String problem) {
        Matcher unconvertible = UNCONVERTIBLE.matcher(problem);
        return unconvertible.matches()
                ? "key " + unconvertible.group(1) + " has the value " + Printable.quoted(unconvertible.group(2)) + ": "
                        + unconvertible.group(3).replaceFirst("^SRCFG\\d+: ", "")
                : problem;
    }

    /** Every key has a default, so the source of the defaults knows them all. */
    private static List<String> known(Config config) {
        return StreamSupport.stream(config.getConfigSources().spliterator(), false)
                .filter(source -> source.getName().equals("DefaultValuesConfigSource"))
                .flatMap(source -> source.getPropertyNames().stream())
                .filter(key -> key.startsWith("segdiff."))
                .toList();
    }
}
