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

/** Says what is wrong with the configuration: the key, the value, and what is allowed. */
final class ConfigErrors {
    private static final Pattern UNCONVERTIBLE = Pattern.compile(
            "(?s).*SRCFG00039: The config property (\\S+) with the config value \"(.*?)\" threw.*?converted *(.*)");

    private static final Pattern POLICY_KEY = Pattern.compile("(segdiff\\.events\\.(?:\"[^\"]*\"|[^.]*)\\.).*");

    private ConfigErrors() {}

    /** One line for each problem that the configuration mappings have found. */
    static Collection<String> lines(ConfigValidationException invalid) {
        Set<String> lines = new LinkedHashSet<>();
        for (int i = 0; i < invalid.getProblemCount(); i++) {
            lines.add(line(String.valueOf(invalid.getProblem(i).getMessage())));
        }
        return lines;
    }

    /**
     * One line for each unknown key, wherever the key comes from. The check of the mappings themselves is off, because
     * it makes no suggestions and does not see environment variables.
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

    /** The message for a key, if it is unknown. The names of policies are free, but their keys are not. */
    private static Optional<String> unknown(String key, List<String> known) {
        Matcher policy = POLICY_KEY.matcher(key);
        List<String> allowed = policy.matches()
                ? EventsConfig.KEYS.stream().map(name -> policy.group(1) + name).toList()
                : known;
        return allowed.contains(key) || isVariable(key, allowed)
                ? Optional.empty()
                : Optional.of("unknown key " + key + Suggestion.didYouMean(key, allowed));
    }

    /**
     * Whether the key is an environment variable for one of the allowed keys. In a variable, dots and dashes are both
     * written as underscores.
     */
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

    /** All known keys. Every key has a default, so the source of the defaults lists them all. */
    private static List<String> known(Config config) {
        return StreamSupport.stream(config.getConfigSources().spliterator(), false)
                .filter(source -> source.getName().equals("DefaultValuesConfigSource"))
                .flatMap(source -> source.getPropertyNames().stream())
                .filter(key -> key.startsWith("segdiff."))
                .toList();
    }
}
